# The worker: does its sandbox hold, and is it made of what it should be?
assay_test(reference reference_sandbox COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/sandbox $<TARGET_FILE:assay_reference>)
assay_test(reference reference_symbols COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/symbols $<TARGET_FILE:assay_reference>)
