# SPDX-License-Identifier: Apache-2.0
# Read by cpack for each generator. Absolute paths (/etc) want DESTDIR, and
# are not for a tarball.
if(CPACK_GENERATOR STREQUAL "DEB")
    set(CPACK_SET_DESTDIR ON)
    set(CPACK_INSTALL_PREFIX /usr)
    set(CPACK_COMPONENTS_ALL cli cli-system coordinator coordinator-system
        worker worker-system)
    set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
else()
    set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
    set(CPACK_COMPONENTS_ALL cli coordinator worker samples)
    set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
endif()
