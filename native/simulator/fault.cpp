#include "fault.h"

#include <csignal>
#include <cstdint>
#include <memory>
#include <ucontext.h>

#include "block.h"
#include "sanitizer.h"

namespace gridstride::fault {

namespace {

struct sigaction earlier_segv, earlier_bus, earlier_fpe;

int fault_signal;
const void* fault_address;
const void* fault_pc;
bool misaligned;

// Runs on the stack of the thread that faulted, from its top: nothing on it is needed any more.
[[noreturn]] void end_launch() {
  sanitizer::discard(*block.current->stack);
  if (fiber::between_stacks(fault_address)) {
    fail(719, block.current, fault_pc, "stack overflow", "a thread has 64 KiB for its variables and calls");
  }
  if (fault_signal == SIGFPE) {
    fail(719, block.current, fault_pc, "integer division by zero", "a card would go on with an undefined value");
  }
  if (misaligned) {
    fail(716, block.current, fault_pc, "misaligned address", "a vector is read or written at an address that is not a multiple of its size (or the address is none at all)");
  }
  fail(700, block.current, fault_pc, "illegal address", "access of %p", fault_address);
}

void forward(int signal, siginfo_t* info, void* context) {
  const struct sigaction& e = signal == SIGSEGV ? earlier_segv : signal == SIGBUS ? earlier_bus : earlier_fpe;
  if ((e.sa_flags & SA_SIGINFO) != 0) {
    e.sa_sigaction(signal, info, context);
  } else if (e.sa_handler == SIG_DFL || e.sa_handler == SIG_IGN) {
    sigaction(signal, &e, nullptr);  // the instruction faults again, this time unhandled
  } else {
    e.sa_handler(signal);
  }
}

void handle(int signal, siginfo_t* info, void* context) {
  auto* machine = &static_cast<ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  auto sp = static_cast<uintptr_t>(machine->gregs[REG_RSP]);
  auto pc = static_cast<uintptr_t>(machine->gregs[REG_RIP]);
#else
  auto sp = static_cast<uintptr_t>(machine->sp);
  auto pc = static_cast<uintptr_t>(machine->pc);
#endif
  // Only kernels run on our stacks.
  if (!fiber::on_a_stack(reinterpret_cast<void*>(sp))) {
    forward(signal, info, context);
    return;
  }
  fault_signal = signal;
  fault_address = info->si_addr;
  // x86-64 tells no address where an aligned vector move met an odd one.
  misaligned = signal == SIGBUS || (signal == SIGSEGV && info->si_code == SI_KERNEL);
  fault_pc = reinterpret_cast<void*>(pc + 1);  // as a return address: one past
  const fiber::Stack* stack = block.current->stack;
  uintptr_t below = (reinterpret_cast<uintptr_t>(stack->low) + stack->bytes - 64) & ~uintptr_t{15};
#if defined(__x86_64__)
  machine->gregs[REG_RSP] = static_cast<greg_t>(below - 8);
  machine->gregs[REG_RIP] = static_cast<greg_t>(reinterpret_cast<uintptr_t>(&end_launch));
#else
  machine->sp = below;
  machine->pc = reinterpret_cast<uintptr_t>(&end_launch);
#endif
}

void install_one(int signal, struct sigaction* earlier) {
  struct sigaction action {};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, earlier);
}

struct AlternateStack {
  std::unique_ptr<unsigned char[]> memory;

  AlternateStack() {
    stack_t old;
    if (sigaltstack(nullptr, &old) != 0 || (old.ss_flags & SS_DISABLE) == 0) return;  // there is one
    constexpr size_t BYTES = 64 * 1024;
    memory = std::make_unique<unsigned char[]>(BYTES);
    stack_t mine{};
    mine.ss_sp = memory.get();
    mine.ss_size = BYTES;
    sigaltstack(&mine, nullptr);
  }
  ~AlternateStack() {
    if (memory == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
};

}  // namespace

void use_alternate_stack() {
  static thread_local AlternateStack stack;
  static_cast<void>(stack);
}

void install() {
  install_one(SIGSEGV, &earlier_segv);
  install_one(SIGBUS, &earlier_bus);
  install_one(SIGFPE, &earlier_fpe);
}

}  // namespace gridstride::fault
