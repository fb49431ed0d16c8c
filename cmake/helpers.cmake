# wp_library(name SOURCES ... LINKS ...): one folder, one library, warnings are errors.
# wp_program(name [PORTABLE] SOURCES ... LINKS ...): a binary. PORTABLE: the target `portable` links
#   it a second time, for the self-contained folder that tools/portable-folder makes.
# wp_test(name LABEL unit|redis|fakeapi|cluster|e2e [MATRIX] SOURCES ... LINKS ...): a doctest binary,
#   run by ctest. MATRIX: besides name, on the machine's own Redis, ctest runs name@redis8 and
#   name@valkey8, on the servers of tests/servers.

# wp_apart(file ...): sources that are compiled alone also with WORKERPOOL_UNITY: a name in their
#   unnamed namespace means something else in another file of the target.

add_library(wp_flags INTERFACE)
target_include_directories(wp_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(wp_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast
  -Wcast-align -Wunused -Wimplicit-fallthrough -Werror
  -fstack-protector-strong)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees overlaps in std::string concatenation that are not there (GCC bug 105329).
  target_compile_options(wp_flags INTERFACE -Wno-restrict)
endif()
if(WORKERPOOL_UNITY AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC takes what a unity source includes for headers, where an unnamed namespace would be a defect.
  target_compile_options(wp_flags INTERFACE -Wno-subobject-linkage)
endif()
if(WORKERPOOL_SANITIZE)
  target_compile_options(wp_flags INTERFACE -fsanitize=${WORKERPOOL_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(wp_flags INTERFACE -fsanitize=${WORKERPOOL_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # What the sanitizers add makes GCC see uninitialised values in std::regex that are not there.
    target_compile_options(wp_flags INTERFACE -Wno-maybe-uninitialized)
    if(WORKERPOOL_SANITIZE MATCHES undefined)
      # Beside ASan the shared one reports to stderr only, and our tests catch that of their programs.
      target_link_options(wp_flags INTERFACE -static-libubsan)
    endif()
  endif()
  if(WORKERPOOL_SANITIZE MATCHES thread)
    # GCC's TSan does not model atomic_thread_fence, which the standard library uses in headers.
    target_compile_options(wp_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
elseif(CMAKE_BUILD_TYPE STREQUAL Release)
  target_compile_definitions(wp_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
target_compile_definitions(wp_flags INTERFACE WORKERPOOL_VERSION="${PROJECT_VERSION}")

function(wp_apart)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

function(wp_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC wp_flags Threads::Threads ${ARG_LINKS}
                                PRIVATE ${ARG_PRIVATE_LINKS})
endfunction()

# The C library's loader, by the processor's name.
set(wp_loader_x86_64 ld-linux-x86-64.so.2)
set(wp_loader_aarch64 ld-linux-aarch64.so.1)
set(wp_loader ${wp_loader_${CMAKE_SYSTEM_PROCESSOR}})
add_custom_target(portable)

function(wp_program name)
  cmake_parse_arguments(ARG "PORTABLE" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE wp_flags Threads::Threads ${ARG_LINKS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  if(ARG_PORTABLE AND wp_loader)
    add_executable(${name}-portable EXCLUDE_FROM_ALL ${ARG_SOURCES})
    target_link_libraries(${name}-portable PRIVATE wp_flags Threads::Threads ${ARG_LINKS})
    # DT_RPATH and not DT_RUNPATH: it holds for the libraries of libraries too, and comes before
    # LD_LIBRARY_PATH.
    target_link_options(${name}-portable PRIVATE -Wl,--dynamic-linker=/workerpool/lib/${wp_loader}
      -Wl,--disable-new-dtags)
    set_target_properties(${name}-portable PROPERTIES OUTPUT_NAME ${name}
      BUILD_RPATH /workerpool/lib RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/portable)
    add_dependencies(portable ${name}-portable)
  endif()
endfunction()

function(wp_test name)
  cmake_parse_arguments(ARG "MATRIX" "LABEL;TIMEOUT" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE wp_test_main ${ARG_LINKS})
  # The tests' own code runs once: compiling it fast is worth more than its speed.
  target_compile_options(${name} PRIVATE -O0 -U_FORTIFY_SOURCE)
  set(command ${name})
  if(ARG_LABEL STREQUAL "e2e")
    set(command ${PROJECT_SOURCE_DIR}/tests/e2e/enter --if-up ${PROJECT_BINARY_DIR}/e2e
                $<TARGET_FILE:${name}>)
  endif()
  add_test(NAME ${name} COMMAND ${command})
  set(tests ${name})
  if(ARG_MATRIX)
    foreach(server redis-8 valkey-8)
      string(REPLACE "-" "" suffix ${server})
      add_test(NAME ${name}@${suffix}
               COMMAND ${PROJECT_SOURCE_DIR}/tests/servers/with ${server} $<TARGET_FILE:${name}>)
      list(APPEND tests ${name}@${suffix})
    endforeach()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  set(environment "WORKERPOOL_BIN=${PROJECT_BINARY_DIR}/bin;WORKERPOOL_SOURCE=${PROJECT_SOURCE_DIR}")
  if(ARG_LABEL STREQUAL cluster)
    # One control plane for all of them, started and stopped by tests/cluster/CMakeLists.txt, and one
    # of them at a time on it: they install what belongs to the whole cluster.
    set(cluster ${PROJECT_BINARY_DIR}/cluster)
    list(APPEND environment "WORKERPOOL_CLUSTER_DIR=${cluster}"
                            "KUBECONFIG=${cluster}/admin.kubeconfig")
    set_tests_properties(${tests} PROPERTIES FIXTURES_REQUIRED control_plane RESOURCE_LOCK control_plane)
  endif()
  if(ARG_LABEL STREQUAL "e2e")
    # One node for all of them, started and stopped by tests/e2e/CMakeLists.txt; one at a time on it.
    set_property(TEST ${name} APPEND PROPERTY FIXTURES_REQUIRED e2e)
    set_property(TEST ${name} PROPERTY RESOURCE_LOCK e2e_node)
  endif()
  set_tests_properties(${tests} PROPERTIES LABELS "${ARG_LABEL}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "${environment}" SKIP_RETURN_CODE 77)
endfunction()
