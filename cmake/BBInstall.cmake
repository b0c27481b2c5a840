include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/BrainInABox)

target_include_directories(bb INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(TARGETS bb EXPORT BrainInABoxTargets)
install(EXPORT BrainInABoxTargets NAMESPACE BrainInABox:: DESTINATION ${package_dir})
install(DIRECTORY ${BB_FOLDERS} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bb
        FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE)
install(FILES bb.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/bb)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

get_target_property(bb_type bb TYPE)
if(bb_type STREQUAL "SHARED_LIBRARY")
  set(BB_IS_STATIC OFF)
else()
  set(BB_IS_STATIC ON)
  # Whoever links the static library has to find what it was built on.
  install(FILES cmake/FindBLIS.cmake cmake/FindHighway.cmake DESTINATION ${package_dir}/modules)
  get_filename_component(blis_dir ${BLIS_LIBRARY} DIRECTORY)
  get_filename_component(blis_name ${BLIS_LIBRARY} NAME_WE)
  string(REGEX REPLACE "^lib" "" blis_name ${blis_name})
  set(BB_PC_PRIVATE "Requires.private: zlib\n")
  string(APPEND BB_PC_PRIVATE
         "Libs.private: -L${blis_dir} -l${blis_name} -lhwy -pthread -lm\n")
endif()

configure_package_config_file(cmake/BrainInABoxConfig.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/BrainInABoxConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/BrainInABoxConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/BrainInABoxConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/BrainInABoxConfigVersion.cmake
        DESTINATION ${package_dir})

# Written relative to its own folder, so that the installed tree can be moved.
file(RELATIVE_PATH BB_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
string(REGEX REPLACE "/$" "" BB_PC_PREFIX ${BB_PC_PREFIX})
configure_file(cmake/braininabox.pc.in ${CMAKE_CURRENT_BINARY_DIR}/braininabox.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/braininabox.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
