# Finds BLIS and defines BLIS::BLIS. Debian and Ubuntu keep each threading variant in a folder of
# its own; the OpenMP one is preferred.
find_path(BLIS_INCLUDE_DIR blis.h PATH_SUFFIXES blis-openmp blis)
find_library(BLIS_LIBRARY NAMES blis-mt blis PATH_SUFFIXES blis-openmp)
mark_as_advanced(BLIS_INCLUDE_DIR BLIS_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BLIS
  REQUIRED_VARS BLIS_LIBRARY BLIS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt install libblis-openmp-dev")

if(BLIS_FOUND AND NOT TARGET BLIS::BLIS)
  add_library(BLIS::BLIS UNKNOWN IMPORTED)
  set_target_properties(BLIS::BLIS PROPERTIES
    IMPORTED_LOCATION ${BLIS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${BLIS_INCLUDE_DIR})
endif()
