# Finds BLIS and defines BLIS::BLIS. Debian and Ubuntu keep each threading variant in a folder of
# its own; the serial one is preferred, because bb brings its own threads and the others cost more
# per call.
set(variants blis-serial blis-openmp blis-pthread)
find_path(BLIS_INCLUDE_DIR blis.h PATH_SUFFIXES ${variants} blis)
find_library(BLIS_LIBRARY NAMES blis blis-mt PATH_SUFFIXES ${variants})
mark_as_advanced(BLIS_INCLUDE_DIR BLIS_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(BLIS
  REQUIRED_VARS BLIS_LIBRARY BLIS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt install libblis-serial-dev")

if(BLIS_FOUND AND NOT TARGET BLIS::BLIS)
  add_library(BLIS::BLIS UNKNOWN IMPORTED)
  set_target_properties(BLIS::BLIS PROPERTIES
    IMPORTED_LOCATION ${BLIS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${BLIS_INCLUDE_DIR})
endif()
