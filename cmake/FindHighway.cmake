# Finds Google Highway and defines hwy::hwy, also where the distribution's package ships no CMake
# configuration of its own.
if(NOT TARGET hwy::hwy)
  find_package(hwy CONFIG QUIET)
endif()
if(TARGET hwy::hwy)
  set(Highway_FOUND TRUE)
  return()
endif()

find_path(HIGHWAY_INCLUDE_DIR hwy/highway.h)
find_library(HIGHWAY_LIBRARY hwy)
mark_as_advanced(HIGHWAY_INCLUDE_DIR HIGHWAY_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Highway
  REQUIRED_VARS HIGHWAY_LIBRARY HIGHWAY_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "On Debian and Ubuntu: apt install libhwy-dev")

if(Highway_FOUND)
  add_library(hwy::hwy UNKNOWN IMPORTED)
  set_target_properties(hwy::hwy PROPERTIES
    IMPORTED_LOCATION ${HIGHWAY_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${HIGHWAY_INCLUDE_DIR})
endif()
