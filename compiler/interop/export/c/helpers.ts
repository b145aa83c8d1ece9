/**
 * Functions that the bodies of steps call, each written only where something does. `$name` stands for a helper, with the
 * model's prefix. Inner loops run over neighbours in memory through `restrict` pointers, which is what compilers turn
 * into vectors without being told more.
 */

const MULADD = `
/* a * b + c: in one rounding where the machine has that. */
#ifdef FP_FAST_FMAF
#define $muladd(a, b, c) fmaf(a, b, c)
#else
#define $muladd(a, b, c) ((a) * (b) + (c))
#endif`;

/**
 * Four rows of c by four terms at a time, so that a row of b serves sixteen products. Sums of some terms are made apart
 * and then added: that loses less than one long sum, and they stay in the fastest cache.
 */
const MADD = `
/* c[m,n] += a[m,k] * b[k,n]; rows of b and c are ldb and ldc apart, a has steps am and ak. */
static void $madd(long m, long n, long k, const float *restrict a, long am, long ak,
    const float *restrict b, long ldb, float *restrict c, long ldc)
{
  float s[4][256];
  for (long j0 = 0; j0 < n; j0 += 256) {
    const long w = n - j0 < 256 ? n - j0 : 256;
    for (long t0 = 0; t0 < k; t0 += 128) {
      const long t1 = k - t0 < 128 ? k : t0 + 128;
      const long t4 = t0 + (t1 - t0) / 4 * 4;
      const long m4 = m / 4 * 4;
      for (long i = 0; i < m4; i += 4) {
        for (long r = 0; r < 4; r++) memset(s[r], 0, (size_t)w * sizeof(float));
        for (long t = t0; t < t4; t += 4) {
          const float *p = a + i * am + t * ak;
          const float a00 = p[0], a01 = p[ak], a02 = p[2 * ak], a03 = p[3 * ak];
          const float a10 = p[am], a11 = p[am + ak], a12 = p[am + 2 * ak], a13 = p[am + 3 * ak];
          const float *q = p + 2 * am;
          const float a20 = q[0], a21 = q[ak], a22 = q[2 * ak], a23 = q[3 * ak];
          const float a30 = q[am], a31 = q[am + ak], a32 = q[am + 2 * ak], a33 = q[am + 3 * ak];
          const float *restrict b0 = b + t * ldb + j0;
          const float *restrict b1 = b0 + ldb;
          const float *restrict b2 = b1 + ldb;
          const float *restrict b3 = b2 + ldb;
          for (long j = 0; j < w; j++) {
            s[0][j] += $muladd(a01, b1[j], a00 * b0[j]) + $muladd(a03, b3[j], a02 * b2[j]);
            s[1][j] += $muladd(a11, b1[j], a10 * b0[j]) + $muladd(a13, b3[j], a12 * b2[j]);
            s[2][j] += $muladd(a21, b1[j], a20 * b0[j]) + $muladd(a23, b3[j], a22 * b2[j]);
            s[3][j] += $muladd(a31, b1[j], a30 * b0[j]) + $muladd(a33, b3[j], a32 * b2[j]);
          }
        }
        for (long t = t4; t < t1; t++) {
          const float *restrict b0 = b + t * ldb + j0;
          for (long r = 0; r < 4; r++) {
            const float ar = a[(i + r) * am + t * ak];
            for (long j = 0; j < w; j++) s[r][j] = $muladd(ar, b0[j], s[r][j]);
          }
        }
        for (long r = 0; r < 4; r++) {
          float *restrict row = c + (i + r) * ldc + j0;
          for (long j = 0; j < w; j++) row[j] += s[r][j];
        }
      }
      for (long i = m4; i < m; i++) {
        float *restrict row = c + i * ldc + j0;
        memset(s[0], 0, (size_t)w * sizeof(float));
        for (long t = t0; t < t4; t += 4) {
          const float *p = a + i * am + t * ak;
          const float a0 = p[0], a1 = p[ak], a2 = p[2 * ak], a3 = p[3 * ak];
          const float *restrict b0 = b + t * ldb + j0;
          const float *restrict b1 = b0 + ldb;
          const float *restrict b2 = b1 + ldb;
          const float *restrict b3 = b2 + ldb;
          for (long j = 0; j < w; j++)
            s[0][j] += $muladd(a1, b1[j], a0 * b0[j]) + $muladd(a3, b3[j], a2 * b2[j]);
        }
        for (long t = t4; t < t1; t++) {
          const float ar = a[i * am + t * ak];
          const float *restrict b0 = b + t * ldb + j0;
          for (long j = 0; j < w; j++) s[0][j] = $muladd(ar, b0[j], s[0][j]);
        }
        for (long j = 0; j < w; j++) row[j] += s[0][j];
      }
    }
  }
}`;

/** Eight sums side by side: compilers may not reorder one, but make vectors of these. */
const total = (name: string, comment: string, m: string, term: (x: string) => string): string => `
/* ${comment} */
static double $${name}(const float *restrict x${m}, int count)
{
  double s[8] = {0.0};
  int i = 0;
  for (; i < count / 8 * 8; i += 8)
    for (int l = 0; l < 8; l++) s[l] += ${term('x[i + l]')};
  for (; i < count; i++) s[0] += ${term('x[i]')};
  return ((s[0] + s[4]) + (s[1] + s[5])) + ((s[2] + s[6]) + (s[3] + s[7]));
}`;

/** What is no number lies far outside too; float counts pixels up to there. */
const HELD = `
/* Holds a place in an image within what an int can count. */
static float $held(float x)
{
  return x > -4194304.0f ? (x < 4194304.0f ? x : 4194304.0f) : -4194304.0f;
}`;

const place = (name: string, comment: string, beyond: string): string => `
/* The pixel at place i of a line${comment} */
static int $${name}(int i, int extent)
{
  if (i >= 0 && i < extent) return i;
${beyond}
}`;

const edge = '  return i < 0 ? 0 : extent - 1;';
const periodic = (period: string, back: string): string => `  if (extent == 1) return 0;
  const int period = ${period};
  const int rest = (i % period + period) % period;
  return rest < extent ? rest : ${back};`;

const RANK = `
/* Sorts from the highest score on; of equal ones the lower place comes first. */
static void $rank(float *restrict score, int *restrict place, int count)
{
  for (int end = count, start = count / 2; end > 1;) {
    if (start > 0) {
      start--;
    } else {
      const float s = score[--end];
      const int p = place[end];
      score[end] = score[0];
      place[end] = place[0];
      score[0] = s;
      place[0] = p;
    }
    const float s = score[start];
    const int p = place[start];
    int root = start;
    for (int child = 2 * root + 1; child < end; child = 2 * root + 1) {
      if (child + 1 < end && (score[child + 1] < score[child] ||
                              (score[child + 1] == score[child] && place[child + 1] > place[child])))
        child++;
      if (!(score[child] < s || (score[child] == s && place[child] > p))) break;
      score[root] = score[child];
      place[root] = place[child];
      root = child;
    }
    score[root] = s;
    place[root] = p;
  }
}`;

const sorting = (name: string, type: string): string => `
/* The numbers 0 .. count - 1 in the order of x, step apart: equal ones as they were, NaN last. */
static void $${name}(const ${type} *x, int step, int count, int descending, int *order)
{
  for (int i = 0; i < count; i++) order[i] = i;
  for (int end = count, start = count / 2; end > 1;) {
    if (start > 0) {
      start--;
    } else {
      const int last = order[--end];
      order[end] = order[0];
      order[0] = last;
    }
    const int moved = order[start];
    int root = start;
    for (int child = 2 * root + 1; child < end; child = 2 * root + 1) {
      if (child + 1 < end && $${name}_after(x, step, descending, order[child + 1], order[child])) child++;
      if (!$${name}_after(x, step, descending, order[child], moved)) break;
      order[root] = order[child];
      root = child;
    }
    order[root] = moved;
  }
}`;

const isReal = (type: string): boolean => type === 'float' || type === 'double';
const NAN_LAST = '  if (u != u || v != v) return u != u && v != v ? a > b : u != u;\n';

const after = (name: string, type: string): string => `
/* Whether element a comes behind element b. */
static int $${name}_after(const ${type} *x, int step, int descending, int a, int b)
{
  const ${type} u = x[a * step], v = x[b * step];
${isReal(type) ? NAN_LAST : ''}  return u == v ? a > b : descending ? u < v : u > v;
}`;

const OVERLAP = `
/* Intersection over union of two boxes [x1, y1, x2, y2]; 0 where neither has an area. */
static float $overlap(const float *a, const float *b)
{
  const float wa = fmaxf(0.0f, a[2] - a[0]) * fmaxf(0.0f, a[3] - a[1]);
  const float wb = fmaxf(0.0f, b[2] - b[0]) * fmaxf(0.0f, b[3] - b[1]);
  const float w = fmaxf(0.0f, fminf(a[2], b[2]) - fmaxf(a[0], b[0]));
  const float h = fmaxf(0.0f, fminf(a[3], b[3]) - fmaxf(a[1], b[1]));
  const float both = w * h;
  const float all = wa + wb - both;
  return all > 0.0f ? both / all : 0.0f;
}`;

const SUPPRESS = `
/* Keeps the first candidates, at most so many, that overlap no better one by more than iou; how many they are. */
static int $suppress(const float *boxes, int width, float iou, float *score, int *place, int count, int most)
{
  int kept = 0;
  for (int i = 0; i < count && kept < most; i++) {
    const float *box = boxes + 4 * (place[i] % width);
    int k = 0;
    while (k < kept && !($overlap(box, boxes + 4 * (place[k] % width)) > iou)) k++;
    if (k < kept) continue;
    score[kept] = score[i];
    place[kept++] = place[i];
  }
  return kept;
}`;

/** Of a division rounded down, computed exactly; it has the sign of the divisor. */
const rest = (name: string, type: string, f: string): string => `
static ${type} $${name}(${type} a, ${type} b)
{
  const ${type} r = fmod${f}(a, b);
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}`;

/** Truncated, held at the ends of the range, NaN to 0. */
const toInteger = (name: string, type: string, low: string, high: string, least: string, most: string): string => `
static ${type} $${name}(double x)
{
  return x != x ? 0 : x <= ${low} ? ${least} : x >= ${high} ? ${most} : (${type})x;
}`;

type SortNames<S extends string> = Readonly<Record<`sort_${S}` | `sort_${S}_after`, string>>;

const sorts = <S extends string>(store: S, type: string): SortNames<S> =>
  ({
    [`sort_${store}`]: sorting(`sort_${store}`, type),
    [`sort_${store}_after`]: after(`sort_${store}`, type),
  }) as SortNames<S>;

export const HELPERS = {
  muladd: MULADD,
  madd: MADD,
  total: total('total', 'The sum of a run.', '', (x) => `(double)${x}`),
  squares: total(
    'squares',
    'The sum of the squared distances of a run from m.',
    ', float m',
    (x) => `((double)${x} - m) * ((double)${x} - m)`,
  ),
  held: HELD,
  place_constant: place('place_constant', ', -1 outside.', '  return -1;'),
  place_edge: place('place_edge', ' that goes on as it ends.', edge),
  place_reflect: place(
    'place_reflect',
    ' that is mirrored at its ends, which stand once.',
    periodic('2 * extent - 2', 'period - rest'),
  ),
  place_symmetric: place(
    'place_symmetric',
    ' that is mirrored at its ends, which stand twice.',
    periodic('2 * extent', 'period - 1 - rest'),
  ),
  place_wrap: place('place_wrap', ' that begins again where it ends.', periodic('extent', '0')),
  rank: RANK,
  ...sorts('f32', 'float'),
  ...sorts('f64', 'double'),
  ...sorts('i32', 'int'),
  ...sorts('i64', 'long long'),
  ...sorts('u8', 'unsigned char'),
  overlap: OVERLAP,
  suppress: SUPPRESS,
  modf32: rest('modf32', 'float', 'f'),
  modf64: rest('modf64', 'double', ''),
  to_u8: toInteger('to_u8', 'unsigned char', '0.0', '255.0', '0', '255'),
  to_i32: toInteger('to_i32', 'int', '-2147483648.0', '2147483647.0', '-2147483647 - 1', '2147483647'),
  to_i64: toInteger(
    'to_i64',
    'long long',
    '-9223372036854775808.0',
    '9223372036854775808.0',
    '-9223372036854775807LL - 1',
    '9223372036854775807LL',
  ),
} as const;

export type HelperName = keyof typeof HELPERS;
