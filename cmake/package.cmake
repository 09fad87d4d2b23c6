# SPDX-License-Identifier: Apache-2.0
# The packages, `./dev package`: three .deb and a tarball.
set(CPACK_PACKAGE_NAME logtally)
set(CPACK_PACKAGE_VENDOR logtally)
set(CPACK_PACKAGE_CONTACT "logtally maintainers <logtally@example.org>"
    CACHE STRING "who answers for the packages")
set(CPACK_RESOURCE_FILE_LICENSE ${CMAKE_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
set(CPACK_GENERATOR DEB TGZ)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_THREADS 1)
# By generator: what is in it.
set(CPACK_PROJECT_CONFIG_FILE ${CMAKE_CURRENT_LIST_DIR}/package_kind.cmake)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)

set(same "(= ${PROJECT_VERSION})")
set(manager "systemd | systemd-sysusers, systemd | systemd-tmpfiles")
set(CPACK_DEBIAN_CLI_PACKAGE_NAME logtally)
set(CPACK_COMPONENT_CLI_DESCRIPTION
    "count access logs, here or on the hosts of a cluster
logtally answers questions about the access logs of many machines where
they lie, without collecting them. This package has the command line, which
also counts the files of this machine with nothing set up.")
foreach(name coordinator worker)
    string(TOUPPER ${name} upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME logtally-${name})
    set(CPACK_DEBIAN_${upper}_PACKAGE_DEPENDS "logtally ${same}, ${manager}")
endforeach()
set(CPACK_COMPONENT_COORDINATOR_DESCRIPTION
    "coordinator of a logtally cluster
logtally answers questions about the access logs of many machines where
they lie. The coordinator takes jobs, lends shards of log to the workers and
merges what they counted into one exact result.")
set(CPACK_COMPONENT_WORKER_DESCRIPTION
    "worker of a logtally cluster, for each host with logs
logtally answers questions about the access logs of many machines where
they lie. The worker counts the logs of its host for a coordinator, in
processes that can open nothing and talk to nobody.")

# What Debian wants beside the files: a changelog, a licence, and the names
# of the files that belong to the administrator.
string(TIMESTAMP lt_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
configure_file(${lt_deploy}/debian/changelog.in ${lt_made}/changelog @ONLY)
execute_process(COMMAND gzip -9nc ${lt_made}/changelog
    OUTPUT_FILE ${lt_made}/changelog.gz COMMAND_ERROR_IS_FATAL ANY)
foreach(name cli coordinator worker)
    string(TOUPPER ${name} upper)
    set(package ${CPACK_DEBIAN_${upper}_PACKAGE_NAME})
    install(FILES ${lt_made}/changelog.gz ${lt_deploy}/debian/copyright
        DESTINATION share/doc/${package} COMPONENT ${name}-system)
    set(conf ${name})
    if(name STREQUAL "cli")
        set(conf client)
    endif()
    file(WRITE ${lt_made}/${name}/conffiles "/etc/logtally/${conf}.conf\n")
    set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA ${lt_made}/${name}/conffiles)
    if(NOT name STREQUAL "cli")
        foreach(script postinst prerm postrm)
            list(APPEND CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA
                ${lt_deploy}/debian/${name}/${script})
        endforeach()
    endif()
endforeach()

include(CPack)
foreach(name cli coordinator worker)
    cpack_add_component_group(${name})
    cpack_add_component(${name} GROUP ${name})
    cpack_add_component(${name}-system GROUP ${name})
endforeach()
