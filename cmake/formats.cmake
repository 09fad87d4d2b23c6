# SPDX-License-Identifier: Apache-2.0
# formats/*.format -> C, with the system's python3. Made anew when one of them
# changes.
file(GLOB lt_formats CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/formats/*.format)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${lt_formats}
    ${CMAKE_SOURCE_DIR}/formats/compile.py)
execute_process(
    COMMAND /usr/bin/python3 ${CMAKE_SOURCE_DIR}/formats/compile.py
        ${CMAKE_SOURCE_DIR}/formats ${CMAKE_BINARY_DIR}/generated
    RESULT_VARIABLE lt_formats_result)
if(NOT lt_formats_result EQUAL 0)
    message(FATAL_ERROR "formats/*.format")
endif()
