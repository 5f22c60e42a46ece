// Includes QUIPU_BODY, loops over vector registers, once for each instruction set that has a register header: inside a
// namespace of the set's name where f32x and f64x are its registers, compiled for its instructions. A new set is a
// header of registers, a region here, and a line in the function of each family that chooses its table.
// SPDX-License-Identifier: Apache-2.0

namespace portable {
using quipu::portable::f32x;
using quipu::portable::f64x;
#include QUIPU_BODY
}  // namespace portable

#if defined(__x86_64__)
QUIPU_TARGET_BEGIN("avx2,fma,f16c")
namespace avx2 {
using quipu::avx2::f32x;
using quipu::avx2::f64x;
#include QUIPU_BODY
}  // namespace avx2
QUIPU_TARGET_END
#endif

#undef QUIPU_BODY
