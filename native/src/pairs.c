/* The sums of pairs that pairs.h declares, for both groups. */
#define PAIRS_DEFINE
#include "pairs.h"
