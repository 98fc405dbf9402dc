# reference_check_trouble: workers that give no result, told by assay check --reference.
#
# reference_compare: suites and generated cases through our libraries and the field's; where they differ stands in
# disagreements, with the section that decides.
add_executable(reference_tool tool.c tool_cases.c)
target_link_libraries(reference_tool PRIVATE assay)
set(ASSAY_REFERENCE_FRESH 10) # hundreds
if(ASSAY_FULL)
  set(ASSAY_REFERENCE_FRESH 1000)
endif()
if(NOT ASSAY_VARIANT) # long, and nothing new for a sanitizer
  assay_test(reference reference_compare COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/run
    $<TARGET_FILE:reference_tool> $<TARGET_FILE:assay_reference> ${ASSAY_REFERENCE_FRESH})
  assay_test(reference reference_check_trouble COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/check_trouble
    $<TARGET_FILE:assay_program> $<TARGET_FILE:assay_impostor>)
endif()
