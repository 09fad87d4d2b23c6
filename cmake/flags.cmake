# SPDX-License-Identifier: Apache-2.0
include(CheckCCompilerFlag)

# Asserts stay in every build; CMake would strip them from Release.
foreach(kind RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${kind}
        "${CMAKE_C_FLAGS_${kind}}")
endforeach()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

# The loops over lines and keys call small functions of other files. What is
# built to be looked at alone can do without: every test links anew then.
option(LT_LTO "optimise release builds at link time" ON)
include(CheckIPOSupported)
check_ipo_supported(RESULT lt_has_ipo OUTPUT lt_ipo_why LANGUAGES C)
if(lt_has_ipo AND LT_LTO)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION_RELEASE ON)
elseif(LT_LTO)
    message(STATUS "built without link-time optimisation: ${lt_ipo_why}")
endif()

option(LT_WERROR "treat warnings as errors (CI)" OFF)
set(LT_SANITIZE "" CACHE STRING "address,undefined or thread")
set(LT_ARCH "" CACHE STRING "-march value; empty: the platform's baseline")

set(lt_flags -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion
    -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wcast-qual
    -Wcast-align -Wpointer-arith -Wwrite-strings -Wundef -Wvla
    -Wimplicit-fallthrough -Wswitch-enum -fstack-protector-strong
    -ffp-contract=off) # estimates are the same on every machine
if(LT_WERROR)
    list(APPEND lt_flags -Werror)
endif()
if(LT_ARCH)
    list(APPEND lt_flags -march=${LT_ARCH})
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    list(APPEND lt_flags -march=x86-64-v2)
endif()
if(LT_SANITIZE)
    add_compile_options(-fsanitize=${LT_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    add_link_options(-fsanitize=${LT_SANITIZE})
    # Each access is a call: without inlining they take thrice as long, and it
    # is in the tests, not in the compiler, that the time goes.
    if(LT_SANITIZE STREQUAL "thread")
        add_compile_options(-O1)
    endif()
else()
    add_compile_options($<$<CONFIG:Release>:-U_FORTIFY_SOURCE>
        $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
endif()
# tests/elf.py reads what came of these.
foreach(flag -fcf-protection=full -fstack-clash-protection)
    string(MAKE_C_IDENTIFIER "lt_has${flag}" has)
    check_c_compiler_flag(${flag} ${has})
    if(${has})
        add_compile_options($<$<CONFIG:Release>:${flag}>)
    endif()
endforeach()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
