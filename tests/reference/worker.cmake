# The worker: does its sandbox hold, what is it made of, and does it say what its libraries say?
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
if(NOT ASSAY_VARIANT) # sanitizers have no sandbox, and symbols of their own
  assay_test(reference reference_sandbox COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sandbox $<TARGET_FILE:assay_reference>)
  assay_test(reference reference_symbols COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/symbols $<TARGET_FILE:assay_reference>)
endif()
foreach(name worker worker_life)
  add_executable(reference_${name} ${CMAKE_CURRENT_SOURCE_DIR}/test_${name}.c)
  target_link_libraries(reference_${name} PRIVATE assay PkgConfig::CMOCKA PkgConfig::SECCOMP)
  if(NOT ASSAY_VARIANT STREQUAL "tsan") # a worker has one thread
    assay_test(reference reference_${name} COMMAND reference_${name} $<TARGET_FILE:assay_reference>)
  endif()
endforeach()
