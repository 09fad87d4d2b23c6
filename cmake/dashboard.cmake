# SPDX-License-Identifier: Apache-2.0
# The files of the dashboard, as they are and packed by gzip.
set(lt_dashboard_page ${CMAKE_SOURCE_DIR}/coordinator/dashboard/page)
set(lt_dashboard_parts
    ${CMAKE_BINARY_DIR}/generated/coordinator/dashboard_parts.h)
file(GLOB lt_dashboard_files CONFIGURE_DEPENDS ${lt_dashboard_page}/*)
add_custom_command(OUTPUT ${lt_dashboard_parts}
    COMMAND /usr/bin/python3 ${lt_dashboard_page}/embed.py
        ${lt_dashboard_page} ${lt_page} "${lt_charts}"
        ${lt_dashboard_parts}
    DEPENDS ${lt_dashboard_files} ${lt_page}/page.css ${lt_page}/page.js
        ${lt_charts}
    VERBATIM)
