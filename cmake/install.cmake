# SPDX-License-Identifier: Apache-2.0
# What goes where. The tarball runs wherever it is unpacked: a program finds
# the executor in ../libexec/logtally, and nothing else is looked for. What
# belongs into /etc and to systemd is in the .deb packages alone (components
# NAME-system); the tarball has it as samples.
# The programs are enough; cpack would build all tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
set(lt_deploy ${CMAKE_SOURCE_DIR}/deploy)
set(lt_made ${CMAKE_BINARY_DIR}/install)

# `logtally run` counts, too: the executor comes with the command line.
install(TARGETS logtally DESTINATION bin COMPONENT cli)
install(TARGETS logtally-executor DESTINATION libexec/logtally COMPONENT cli)
install(TARGETS logtally-coordinator DESTINATION bin COMPONENT coordinator)
install(PROGRAMS ${lt_deploy}/enrol RENAME logtally-enrol
    DESTINATION bin COMPONENT coordinator)
install(TARGETS logtally-worker DESTINATION bin COMPONENT worker)

install(FILES ${CMAKE_SOURCE_DIR}/README.md ${CMAKE_SOURCE_DIR}/SECURITY.md
    ${CMAKE_SOURCE_DIR}/docs/operations.md
    ${CMAKE_SOURCE_DIR}/docs/query-language.md
    DESTINATION share/doc/logtally COMPONENT cli OPTIONAL)
install(FILES ${lt_deploy}/nftables.conf
    DESTINATION share/doc/logtally/examples COMPONENT cli)

# Manual pages and completion, as far as they are written.
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.[1-8])
foreach(page ${pages})
    get_filename_component(name ${page} NAME)
    string(REGEX REPLACE ".*\\." "" section ${name})
    set(component cli)
    if(name MATCHES "^logtally-(coordinator|worker)")
        set(component ${CMAKE_MATCH_1})
    endif()
    file(MAKE_DIRECTORY ${lt_made}/man)
    execute_process(COMMAND gzip -9nc ${page}
        OUTPUT_FILE ${lt_made}/man/${name}.gz COMMAND_ERROR_IS_FATAL ANY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
    install(FILES ${lt_made}/man/${name}.gz
        DESTINATION share/man/man${section} COMPONENT ${component})
endforeach()
foreach(shell "logtally.bash:bash-completion/completions/logtally"
        "_logtally:zsh/vendor-completions/_logtally"
        "logtally.fish:fish/vendor_completions.d/logtally.fish")
    string(REPLACE ":" ";" shell ${shell})
    list(GET shell 0 from)
    list(GET shell 1 to)
    get_filename_component(folder ${to} DIRECTORY)
    get_filename_component(name ${to} NAME)
    if(EXISTS ${lt_deploy}/completion/${from})
        install(FILES ${lt_deploy}/completion/${from} RENAME ${name}
            DESTINATION share/${folder} COMPONENT cli)
    endif()
endforeach()

install(FILES ${lt_deploy}/etc/client.conf
    DESTINATION /etc/logtally COMPONENT cli-system)
foreach(name coordinator worker)
    install(FILES ${lt_deploy}/etc/${name}.conf
        DESTINATION /etc/logtally COMPONENT ${name}-system)
    install(FILES ${lt_deploy}/systemd/logtally-${name}.service
        DESTINATION lib/systemd/system COMPONENT ${name}-system)
    foreach(kind sysusers tmpfiles)
        install(FILES ${lt_deploy}/systemd/logtally-${name}.${kind}
            RENAME logtally-${name}.conf
            DESTINATION lib/${kind}.d COMPONENT ${name}-system)
    endforeach()
endforeach()
install(DIRECTORY ${lt_deploy}/etc ${lt_deploy}/systemd
    DESTINATION share/logtally COMPONENT samples)
install(FILES ${CMAKE_SOURCE_DIR}/LICENSE
    DESTINATION share/doc/logtally COMPONENT samples)

include(${CMAKE_CURRENT_LIST_DIR}/package.cmake)
