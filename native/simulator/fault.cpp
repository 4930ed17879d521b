#include "fault.h"

#include <csignal>
#include <cstdint>
#include <ucontext.h>

#include "block.h"

namespace gridstride::fault {

namespace {

struct sigaction earlier_segv, earlier_bus, earlier_fpe;

int fault_signal;
const void* fault_address;
const void* fault_pc;
bool misaligned;

// On the stack of the thread that faulted, as if the faulting instruction had called it.
[[noreturn]] void end_launch() {
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
  uintptr_t below = (sp - 512) & ~uintptr_t{15};
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

}  // namespace

void install() {
  install_one(SIGSEGV, &earlier_segv);
  install_one(SIGBUS, &earlier_bus);
  install_one(SIGFPE, &earlier_fpe);
}

}  // namespace gridstride::fault
