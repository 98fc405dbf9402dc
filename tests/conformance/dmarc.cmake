# dmarc_cases: the cases of dmarc_cases/*.case, whose format is described in dmarc_case.h.
add_library(dmarc_case STATIC dmarc_case.c)
target_link_libraries(dmarc_case PUBLIC assay)

file(GLOB ASSAY_DMARC_CASES CONFIGURE_DEPENDS dmarc_cases/*.case)
add_executable(dmarc_cases dmarc_cases.c)
target_link_libraries(dmarc_cases PRIVATE dmarc_case)
assay_test(conformance dmarc_cases COMMAND dmarc_cases ${ASSAY_DMARC_CASES})

# dmarc_model: random evaluations against a naive model of the RFC; the long form takes two minutes.
set(ASSAY_DMARC_RANDOM 2000)
if(ASSAY_FULL)
  set(ASSAY_DMARC_RANDOM 100000)
endif()
assay_test(conformance dmarc_model COMMAND
  ${CMAKE_CURRENT_SOURCE_DIR}/dmarc_model.py $<TARGET_FILE:dmarc_cases> ${ASSAY_DMARC_RANDOM})
