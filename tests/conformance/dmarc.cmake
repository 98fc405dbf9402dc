# dmarc_cases: the cases of dmarc_cases/*.case, whose format is described in dmarc_case.h.
add_library(dmarc_case STATIC dmarc_case.c)
target_link_libraries(dmarc_case PUBLIC assay)

file(GLOB ASSAY_DMARC_CASES CONFIGURE_DEPENDS dmarc_cases/*.case)
add_executable(dmarc_cases dmarc_cases.c)
target_link_libraries(dmarc_cases PRIVATE dmarc_case)
assay_test(conformance dmarc_cases COMMAND dmarc_cases ${ASSAY_DMARC_CASES})
