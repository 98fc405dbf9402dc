# dkim_interop: lib/dkim beside dkimpy, Mail::DKIM and opendkim-testmsg, both directions. Where they differ stands
# in dkim_disagreements, with the section that decides.
add_executable(dkim_tool dkim_tool.c)
target_link_libraries(dkim_tool PRIVATE assay)
if(ASSAY_FULL)
  set(DKIM_INTEROP_FRESH 50000)
else()
  set(DKIM_INTEROP_FRESH 200)
endif()
assay_test(conformance dkim_interop TIMEOUT 600 COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/dkim_interop.py $<TARGET_FILE:dkim_tool> ${CMAKE_CURRENT_SOURCE_DIR}/dkim_disagreements
  ${DKIM_INTEROP_FRESH})

# arc_interop: lib/arc beside dkimpy and Mail::DKIM, over three hops.
assay_test(conformance arc_interop TIMEOUT 300 COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/arc_interop.py $<TARGET_FILE:dkim_tool>)
