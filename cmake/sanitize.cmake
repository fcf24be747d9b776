# STRATA_SANITIZE=address,undefined or thread: compiles everything with GCC's or Clang's sanitizers.
# For the tests of the parts (tests/unit, tests/protocol), where another malloc serves the program;
# a libstrata.so from such a build is of no use, so what preloads it is left out.
set(STRATA_SANITIZE "" CACHE STRING "Sanitizers of the tests: address,undefined or thread")
if(STRATA_SANITIZE)
  add_compile_options(-fsanitize=${STRATA_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${STRATA_SANITIZE})
  # What counts instructions leaves it.
  add_compile_definitions(STRATA_INSTRUMENTED)
  if(STRATA_SANITIZE MATCHES "undefined")
    # vptr needs RTTI, which the core has not. A finding ends the test.
    add_compile_options(-fno-sanitize=vptr -fno-sanitize-recover=all)
  endif()
  set(STRATA_PARTS core region frames tests units)
else()
  set(STRATA_PARTS core region frames trace tool profile tests units conformance observe errors modes misuse bench examples install)
endif()
