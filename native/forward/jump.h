// A function that goes to another without touching its arguments, whatever they are: x86-64, for which alone there are
// natives of JCuda.
#pragma once

#if !defined(__x86_64__)
#error "the forwarding libraries are for x86-64"
#endif

// r11 is free between a call and its function. The first call finds the place, with all registers that may hold arguments kept.
#define JUMP_SLOWLY                                                                                     \
  asm(".text\n"                                                                                         \
      ".type gridstride_forward_slowly, @function\n"                                                    \
      "gridstride_forward_slowly:\n"                                                                    \
      ".cfi_startproc\n"                                                                                \
      "  pushq %rbp\n"                                                                                  \
      "  .cfi_def_cfa_offset 16\n"                                                                      \
      "  .cfi_offset %rbp, -16\n"                                                                       \
      "  movq %rsp, %rbp\n"                                                                             \
      "  .cfi_def_cfa_register %rbp\n"                                                                  \
      "  subq $192, %rsp\n"                                                                             \
      "  andq $-16, %rsp\n"                                                                             \
      "  movq %rdi, (%rsp)\n  movq %rsi, 8(%rsp)\n  movq %rdx, 16(%rsp)\n  movq %rcx, 24(%rsp)\n"       \
      "  movq %r8, 32(%rsp)\n  movq %r9, 40(%rsp)\n  movq %rax, 48(%rsp)\n  movq %r10, 56(%rsp)\n"      \
      "  movaps %xmm0, 64(%rsp)\n  movaps %xmm1, 80(%rsp)\n  movaps %xmm2, 96(%rsp)\n"                  \
      "  movaps %xmm3, 112(%rsp)\n  movaps %xmm4, 128(%rsp)\n  movaps %xmm5, 144(%rsp)\n"               \
      "  movaps %xmm6, 160(%rsp)\n  movaps %xmm7, 176(%rsp)\n"                                          \
      "  movq %r11, %rdi\n"                                                                             \
      "  call gridstride_forward_resolve\n"                                                             \
      "  movq %rax, %r11\n"                                                                             \
      "  movaps 64(%rsp), %xmm0\n  movaps 80(%rsp), %xmm1\n  movaps 96(%rsp), %xmm2\n"                  \
      "  movaps 112(%rsp), %xmm3\n  movaps 128(%rsp), %xmm4\n  movaps 144(%rsp), %xmm5\n"               \
      "  movaps 160(%rsp), %xmm6\n  movaps 176(%rsp), %xmm7\n"                                          \
      "  movq (%rsp), %rdi\n  movq 8(%rsp), %rsi\n  movq 16(%rsp), %rdx\n  movq 24(%rsp), %rcx\n"       \
      "  movq 32(%rsp), %r8\n  movq 40(%rsp), %r9\n  movq 48(%rsp), %rax\n  movq 56(%rsp), %r10\n"      \
      "  leave\n"                                                                                       \
      "  .cfi_def_cfa %rsp, 8\n"                                                                        \
      "  jmp *%r11\n"                                                                                   \
      ".cfi_endproc\n"                                                                                  \
      ".size gridstride_forward_slowly, .-gridstride_forward_slowly\n");

// Function `name` has place `i` of the table.
#define JUMP(name, i)                                                       \
  asm(".text\n"                                                             \
      ".globl " #name "\n"                                                  \
      ".type " #name ", @function\n" #name                                  \
      ":\n"                                                                 \
      ".cfi_startproc\n"                                                    \
      "  movq gridstride_forward_targets+8*" #i "(%rip), %r11\n"            \
      "  testq %r11, %r11\n"                                                \
      "  jz 1f\n"                                                           \
      "  jmp *%r11\n"                                                       \
      "1:\n"                                                                \
      "  movl $" #i ", %r11d\n"                                             \
      "  jmp gridstride_forward_slowly\n"                                   \
      ".cfi_endproc\n"                                                      \
      ".size " #name ", .-" #name "\n");
