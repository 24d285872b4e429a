# SPDX-License-Identifier: MIT
# One private PostgreSQL for the unit tests that need it: started before the first, stopped after the last.
set(postgres_script "${PROJECT_SOURCE_DIR}/tests/support/postgres.sh")
set(postgres_file "${PROJECT_BINARY_DIR}/postgres.url")

add_test(NAME postgres/start COMMAND "${postgres_script}" start "${postgres_file}")
add_test(NAME postgres/stop COMMAND "${postgres_script}" stop "${postgres_file}")
set_tests_properties(postgres/start PROPERTIES FIXTURES_SETUP postgres SKIP_RETURN_CODE 77 TIMEOUT 300)
set_tests_properties(postgres/stop PROPERTIES FIXTURES_CLEANUP postgres SKIP_RETURN_CODE 77 TIMEOUT 300)

# gw_need_postgres(<folder>/<test>...): those tests run with that server, and are skipped where there is none.
function(gw_need_postgres)
  foreach(test IN LISTS ARGN)
    if(TEST ${test})
      set_tests_properties(
        ${test}
        PROPERTIES FIXTURES_REQUIRED postgres
                   SKIP_RETURN_CODE 77
                   TIMEOUT 300
                   ENVIRONMENT "GATEWAY_TEST_POSTGRES=${postgres_file}")
    endif()
  endforeach()
endfunction()
