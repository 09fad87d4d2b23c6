# SPDX-License-Identifier: Apache-2.0
# control.proto -> control.pb.{c,h}, with Debian's generator (its shebang
# names the system's python, which has the protobuf module).
find_library(NANOPB_LIBRARY protobuf-nanopb REQUIRED)
find_program(NANOPB_GENERATOR nanopb_generator.py REQUIRED)
set(lt_proto_dir ${CMAKE_BINARY_DIR}/generated/common/wire)
file(MAKE_DIRECTORY ${lt_proto_dir})
add_custom_command(
    OUTPUT ${lt_proto_dir}/control.pb.c ${lt_proto_dir}/control.pb.h
    COMMAND ${NANOPB_GENERATOR} -q -D ${lt_proto_dir}
        -I ${CMAKE_SOURCE_DIR}/common/wire control.proto
    DEPENDS ${CMAKE_SOURCE_DIR}/common/wire/control.proto
        ${CMAKE_SOURCE_DIR}/common/wire/control.options
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}/common/wire)
add_library(lt_proto STATIC ${lt_proto_dir}/control.pb.c
    ${lt_proto_dir}/control.pb.h)
target_link_libraries(lt_proto PUBLIC ${NANOPB_LIBRARY})
