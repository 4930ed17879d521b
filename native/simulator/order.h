// Checks that work which touches the same memory is ordered: by a stream, an event, a graph's edge or the host. Only
// in checked mode; then a missing event wait or edge is found in whatever order the work happens to run.
#pragma once

#include "work.h"

namespace gridstride {

void order_after(Work& work, const Work& earlier);  // `work` waits for `earlier`, which may be done
void order_issued(Work& work);
void order_host_waited(const Work& work);  // the host knows that it, and all before it, is done
void order_host_waited_for_all(const Context& context);
void order_context_ended(const Context& context);  // none of its work is left to be compared with
void order_finished(Work& work);  // it has run, or was skipped

// The set in which the accesses of a launch are to be noted, or null if nothing can conflict with it.
AccessSet* order_accesses(Work& work);
void order_access(Work& work, uintptr_t p, size_t bytes, bool write);
// Compares what the work touched with all that nothing orders; fails.
void order_ran(Work& work);
// Pieces of work that are still kept for comparison.
long order_count();

}  // namespace gridstride
