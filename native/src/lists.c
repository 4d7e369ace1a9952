/* The sums of lists that lists.h declares, for both groups. */
#define LISTS_DEFINE
#include "lists.h"
