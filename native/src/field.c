/* The functions of each field that are not inline. */
#define FIELD_DEFINE
#include "field.h"
