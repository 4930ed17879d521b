#include "order.h"
namespace gridstride {
struct Ordering {};
void order_after(Work&, Work&) {}
void order_issued(Work&) {}
void order_host_waited(Work&) {}
void order_host_waited_for_all() {}
AccessSet* order_accesses(Work&) { return nullptr; }
void order_access(Work&, uintptr_t, size_t, bool) {}
void order_ran(Work&) {}
}
