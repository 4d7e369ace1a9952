#define LISTS_DEFINE
#include "lists.h"
