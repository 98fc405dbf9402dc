# srs_interop: lib/srs beside Mail::SRS, both directions. srs_postsrsd: addresses of a real postsrsd with the same
# secret, which lies in build/mta where it was unpacked.
add_executable(srs_tool srs_tool.c)
target_link_libraries(srs_tool PRIVATE assay)
set(SRS_COUNT 100000)
if(ASSAY_FULL)
  set(SRS_COUNT 5000000)
endif()
assay_test(conformance srs_interop TIMEOUT 600 COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/srs_interop.pl $<TARGET_FILE:srs_tool> ${SRS_COUNT})
assay_test(conformance srs_postsrsd COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/srs_postsrsd.py $<TARGET_FILE:srs_tool> ${ASSAY_MTAS}/postsrsd/usr/sbin/postsrsd)
