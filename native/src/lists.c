/* The sums of lists that lists.h declares, for both groups. */
#if !ZKN_HAS_LANES
#define LISTS_DEFINE
#endif
#include "lists.h"
