# Tests of what is said when a program misuses the heap: one file per error in tests/errors, run in
# every mode whose promise it is; see tests/errors/run.py.
if(NOT STRATA_TESTS OR NOT outside_library OR STRATA_TEST_LIBRARY)
  return()
endif()
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)

file(GLOB sources RELATIVE ${outside_tests} CONFIGURE_DEPENDS
  ${outside_tests}/errors/*.c ${outside_tests}/errors/*.cpp)
foreach(source ${sources})
  get_filename_component(error ${source} NAME_WE)
  outside_program(error_${error} tests/${source} -O0)
  target_compile_options(error_${error} PRIVATE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-mismatched-new-delete>)
  outside_test(errors.${error} PLAIN SECONDS 120
    COMMAND Python3::Interpreter ${outside_tests}/errors/run.py ${outside_tests}/${source}
            $<TARGET_FILE:error_${error}> ${outside_library})
endforeach()
