// Hardware faults of a kernel (a wild pointer, a division by zero) become an error of its launch.
#pragma once

namespace gridstride::fault {

// Installs handlers for SIGSEGV, SIGBUS and SIGFPE in front of the ones that are there (a JVM's):
// faults outside of kernels go on to those. Once a process.
void install();

// Gives the calling host thread a stack for signals, so that an overflow of a kernel's can be handled.
void use_alternate_stack();

}  // namespace gridstride::fault
