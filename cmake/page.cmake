# SPDX-License-Identifier: Apache-2.0
# What the pages of -o html carry: our style and script, and Chart.js as the
# distribution packages it. Without it pages have tables and say so.
find_file(LT_CHARTS chart.min.js PATHS /usr/share/javascript/chart.js
    NO_DEFAULT_PATH DOC "Chart.js for -o html; empty for none")
if(LT_CHARTS)
    set(lt_charts ${LT_CHARTS})
else()
    set(lt_charts "")
    message(STATUS "Chart.js is not there: -o html will have no charts")
endif()
set(lt_page ${CMAKE_SOURCE_DIR}/common/result/html)
set(lt_page_parts ${CMAKE_BINARY_DIR}/generated/common/result/html_parts.h)
add_custom_command(OUTPUT ${lt_page_parts}
    COMMAND /usr/bin/python3 ${lt_page}/embed.py ${lt_page} "${lt_charts}"
        ${lt_page_parts}
    DEPENDS ${lt_page}/embed.py ${lt_page}/page.css ${lt_page}/page.js
        ${lt_charts}
    VERBATIM)
