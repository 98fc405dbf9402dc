# spf_suites: the suites of RFC 7208, RFC 4408, pyspf and blitiri.com.ar/go/spf, from Debian's package
# golang-blitiri-go-spf-dev. What differs on purpose stands in spf_exceptions.
add_executable(spf_tool spf_tool.c)
target_link_libraries(spf_tool PRIVATE assay)
assay_test(conformance spf_suites COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/spf_suites $<TARGET_FILE:spf_tool> ${CMAKE_CURRENT_SOURCE_DIR}/spf_exceptions)
