// Everything is in the dialect already.
#pragma once
#include "cuda_dialect.h"
