# The executor and the checker alone, without a driver: kernels on host arrays.
set(executor_sources)
foreach(name IN ITEMS checker copy_async executor fault fiber findings happens_before loaded_image report shadow source_place tensor tsan ubsan warp)
  list(APPEND executor_sources ${simulator}/${name}.cpp)
endforeach()
set(here ${CMAKE_CURRENT_SOURCE_DIR})

add_library(executor_harness STATIC ${executor_sources} ${here}/harness.cpp ${here}/planted.cpp)
target_include_directories(executor_harness PUBLIC ${simulator} ${here})
target_link_libraries(executor_harness PUBLIC ${CMAKE_DL_LIBS})

# ${image} from ${file}, with options.
function(add_image image file)
  add_custom_command(
    OUTPUT ${image}
    COMMAND ${CMAKE_COMMAND} -E env CXX=${CMAKE_CXX_COMPILER} GRIDSTRIDE_INCLUDE=${device_include} $<TARGET_FILE:simcc> ${ARGN} -I ${kernels}/include -o ${image} ${file}
    DEPENDS simcc ${file} ${device_headers} ${kernels}/include/gridstride.cuh
    COMMENT "simcc ${file} ${ARGN}"
    VERBATIM)
endfunction()

# A program on the harness. The images' calls are resolved in it: ENABLE_EXPORTS, and nothing left out.
function(add_harness_program name)
  add_executable(${name} ${here}/${name}.cpp)
  set_target_properties(${name} PROPERTIES ENABLE_EXPORTS ON)
  target_link_libraries(${name} PRIVATE -Wl,--whole-archive executor_harness -Wl,--no-whole-archive)
endfunction()

if(TARGET simcc AND NOT GRIDSTRIDE_ASAN)
  set(executor_images)
  file(GLOB planted CONFIGURE_DEPENDS ${here}/planted/*.cu)
  add_harness_program(planted_test)
  foreach(file IN LISTS planted)
    get_filename_component(name ${file} NAME_WE)
    set(image ${test_images}/planted_${name}.so)
    add_image(${image} ${file} --checked)
    list(APPEND executor_images ${image})
    add_test(NAME planted_${name} COMMAND planted_test ${image} ${file})
  endforeach()

  add_harness_program(executor_test)
  foreach(mode plain checked)
    set(options)
    if(mode STREQUAL checked)
      set(options --checked)
    endif()
    set(image ${test_images}/executor_${mode}.so)
    add_image(${image} ${here}/executor/kernels.cu ${options})
    list(APPEND executor_images ${image})
    add_test(NAME executor_${mode} COMMAND executor_test ${image})
  endforeach()

  # With AddressSanitizer preloaded, if the compiler comes with it.
  execute_process(COMMAND ${CMAKE_CXX_COMPILER} -print-file-name=libasan.so OUTPUT_VARIABLE libasan OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(libasan "${libasan}" REALPATH)
  if(IS_ABSOLUTE "${libasan}" AND EXISTS "${libasan}")
    set(with_asan "LD_PRELOAD=${libasan};ASAN_OPTIONS=handle_segv=0:detect_leaks=0:allow_user_segv_handler=1")
    set(image ${test_images}/executor_asan.so)
    add_image(${image} ${here}/executor/kernels.cu --asan)
    list(APPEND executor_images ${image})
    add_test(NAME executor_asan COMMAND executor_test ${image})
    set_tests_properties(executor_asan PROPERTIES ENVIRONMENT "${with_asan}")
    # Both twins run, the bug first: the process ends there.
    foreach(name IN ITEMS out_of_bounds_static_shared_pointer out_of_bounds_dynamic_shared)
      set(image ${test_images}/asan_${name}.so)
      add_image(${image} ${here}/planted/${name}.cu --asan)
      list(APPEND executor_images ${image})
      add_test(NAME asan_${name} COMMAND planted_test ${image} ${here}/planted/${name}.cu)
      set_tests_properties(asan_${name} PROPERTIES ENVIRONMENT "${with_asan}" PASS_REGULAR_EXPRESSION "AddressSanitizer: (global-buffer-overflow|use-after-poison).*${name}.cu:1")
    endforeach()
  endif()
  add_custom_target(executor_images ALL DEPENDS ${executor_images})

  # Files that simcc refuses: the words and the line.
  function(add_refused name words)
    add_test(NAME refused_${name} COMMAND ${CMAKE_COMMAND} -E env CXX=${CMAKE_CXX_COMPILER} GRIDSTRIDE_INCLUDE=${device_include} $<TARGET_FILE:simcc> -I ${kernels}/include -o
                                          ${test_images}/refused.so ${here}/refused/${name}.cu)
    set_tests_properties(refused_${name} PROPERTIES PASS_REGULAR_EXPRESSION "refused/${name}.cu:${words}")
  endfunction()
  add_refused(syntax_error "3:[0-9]+: error: .*z.* was not declared")
  add_refused(error_in_template "5:[0-9]+: error: request for member")
  add_refused(inline_ptx "3: error: the simulated device cannot run inline PTX")
  add_refused(host_launch "4: error: a launch with <<<...>>> is host code")
  add_refused(missing_header "1:.*the simulated device has no <cooperative_groups.h>")
  add_refused(no_kernel " error: no __global__ function in this file")
  add_refused(initialised_shared "2: error: a __shared__ variable cannot be initialised")

  add_executable(translate_test ${here}/translate_test.cpp ${simulator}/../simcc/translate.cpp ${simulator}/../simcc/tokens.cpp)
  target_include_directories(translate_test PRIVATE ${simulator}/../simcc)
  add_test(NAME translate COMMAND translate_test)
endif()
