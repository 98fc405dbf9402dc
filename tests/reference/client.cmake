# The pool and what it asks, in front of the real libraries.
add_executable(reference_client ${CMAKE_CURRENT_SOURCE_DIR}/test_client.c)
target_link_libraries(reference_client PRIVATE assay PkgConfig::CMOCKA)
assay_test(reference reference_client COMMAND reference_client $<TARGET_FILE:assay_reference>)
