// The element-wise parts of training that PyTorch 1.13 does in several passes, each in one pass.
// train.py compiles this file when a C compiler is there, and does the same with PyTorch's
// operations when not. Matrices are row-major, bf16 is stored as its 16 bits. Every function is for
// one thread; train.py runs several micro-batches at once instead.
#include <math.h>
#include <stdint.h>
#include <string.h>

typedef uint16_t bf16;

static inline float up(bf16 v) {
    union { uint32_t i; float f; } u = {(uint32_t)v << 16};
    return u.f;
}

// down rounds to nearest, ties to even. NaN does not come here: train.py stops on it before.
static inline bf16 down(float v) {
    union { float f; uint32_t i; } u = {v};
    return (bf16)((u.i + 0x7fff + ((u.i >> 16) & 1)) >> 16);
}

// add_norm_forward: sum = x + delta (delta may be absent), h = sum / rms(sum) * w.
// x, sum: n x d in f32; delta, h: n x d in bf16; scale: n, 1/rms.
void add_norm_forward(long n, long d, float eps, const float *restrict x, const bf16 *restrict delta,
                      const float *restrict w, float *restrict sum, bf16 *restrict h, float *restrict scale) {
    for (long i = 0; i < n; i++, x += d, sum += d, h += d) {
        float squares = 0;
        if (delta) {
            for (long j = 0; j < d; j++) {
                float v = x[j] + up(delta[j]);
                sum[j] = v;
                squares += v * v;
            }
            delta += d;
        } else {
            for (long j = 0; j < d; j++) {
                sum[j] = x[j];
                squares += x[j] * x[j];
            }
        }
        float s = 1 / sqrtf(squares / d + eps);
        scale[i] = s;
        for (long j = 0; j < d; j++) h[j] = down(sum[j] * s * w[j]);
    }
}

// add_norm_backward: dx = dsum + the norm's gradient; ddelta is dx in bf16. dsum and ddelta may be
// absent. dw is added to.
void add_norm_backward(long n, long d, const float *restrict sum, const float *restrict w,
                       const float *restrict scale, const float *restrict dsum, const bf16 *restrict dh,
                       float *restrict dx, bf16 *restrict ddelta, float *restrict dw) {
    for (long i = 0; i < n; i++, sum += d, dh += d, dx += d) {
        float s = scale[i], dot = 0;
        for (long j = 0; j < d; j++) {
            float g = up(dh[j]);
            dot += g * w[j] * sum[j];
            dw[j] += g * sum[j] * s;
        }
        float c = dot * s * s * s / d;
        for (long j = 0; j < d; j++) dx[j] = up(dh[j]) * w[j] * s - c * sum[j];
        if (dsum) {
            for (long j = 0; j < d; j++) dx[j] += dsum[j];
            dsum += d;
        }
        if (ddelta) {
            for (long j = 0; j < d; j++) ddelta[j] = down(dx[j]);
            ddelta += d;
        }
    }
}

// rotate turns pairs (j, j + hd/2) by the position's angles; sign -1 turns back.
static inline void rotate(long hd, const bf16 *restrict in, const float *restrict cs, const float *restrict sn,
                          float sign, float factor, bf16 *restrict out) {
    long half = hd / 2;
    for (long j = 0; j < half; j++) {
        float a = up(in[j]), b = up(in[half + j]), c = cs[j] * factor, s = sn[j] * sign * factor;
        out[j] = down(a * c - b * s);
        out[half + j] = down(b * c + a * s);
    }
}

// split_heads_forward: rows of (heads + 2 kv) x hd become q, k, v with the positions inside, q and k
// rotated, q times factor. qkv: b x t x (heads+2kv)*hd; q: b x heads x t x hd; k, v: b x kv x t x hd.
void split_heads_forward(long b, long t, long heads, long kv, long hd, float factor, const bf16 *restrict qkv,
                         const float *restrict cs, const float *restrict sn, bf16 *restrict q,
                         bf16 *restrict k, bf16 *restrict v) {
    long half = hd / 2;
    for (long i = 0; i < b; i++)
        for (long p = 0; p < t; p++) {
            const float *c = cs + p * half, *s = sn + p * half;
            for (long h = 0; h < heads; h++, qkv += hd)
                rotate(hd, qkv, c, s, 1, factor, q + ((i * heads + h) * t + p) * hd);
            for (long h = 0; h < kv; h++, qkv += hd) rotate(hd, qkv, c, s, 1, 1, k + ((i * kv + h) * t + p) * hd);
            for (long h = 0; h < kv; h++, qkv += hd) memcpy(v + ((i * kv + h) * t + p) * hd, qkv, hd * sizeof(bf16));
        }
}

void split_heads_backward(long b, long t, long heads, long kv, long hd, float factor, const bf16 *restrict dq,
                          const bf16 *restrict dk, const bf16 *restrict dv, const float *restrict cs,
                          const float *restrict sn, bf16 *restrict dqkv) {
    long half = hd / 2;
    for (long i = 0; i < b; i++)
        for (long p = 0; p < t; p++) {
            const float *c = cs + p * half, *s = sn + p * half;
            for (long h = 0; h < heads; h++, dqkv += hd)
                rotate(hd, dq + ((i * heads + h) * t + p) * hd, c, s, -1, factor, dqkv);
            for (long h = 0; h < kv; h++, dqkv += hd)
                rotate(hd, dk + ((i * kv + h) * t + p) * hd, c, s, -1, 1, dqkv);
            for (long h = 0; h < kv; h++, dqkv += hd)
                memcpy(dqkv, dv + ((i * kv + h) * t + p) * hd, hd * sizeof(bf16));
        }
}

// causal_softmax_forward works in place on n matrices of t x t scores: row i becomes the softmax of
// its first i+1 entries, and zeros.
void causal_softmax_forward(long n, long t, bf16 *restrict scores, float *restrict row) {
    for (long r = 0; r < n * t; r++, scores += t) {
        long len = r % t + 1;
        float top = -3e38f, sum = 0;
        for (long j = 0; j < len; j++) {
            row[j] = up(scores[j]);
            top = row[j] > top ? row[j] : top;
        }
        for (long j = 0; j < len; j++) {
            row[j] = expf(row[j] - top);
            sum += row[j];
        }
        float s = 1 / sum;
        for (long j = 0; j < len; j++) scores[j] = down(row[j] * s);
        memset(scores + len, 0, (t - len) * sizeof(bf16));
    }
}

// causal_softmax_backward: grad becomes the gradient of the scores, in place.
void causal_softmax_backward(long n, long t, const bf16 *restrict p, bf16 *restrict grad) {
    for (long r = 0; r < n * t; r++, p += t, grad += t) {
        long len = r % t + 1;
        float dot = 0;
        for (long j = 0; j < len; j++) dot += up(p[j]) * up(grad[j]);
        for (long j = 0; j < len; j++) grad[j] = down(up(p[j]) * (up(grad[j]) - dot));
        memset(grad + len, 0, (t - len) * sizeof(bf16));
    }
}

// swiglu_forward: out = silu(gate) * up. gu: n x 2f, gate first; out: n x f.
void swiglu_forward(long n, long f, const bf16 *restrict gu, bf16 *restrict out) {
    for (long i = 0; i < n; i++, gu += 2 * f, out += f)
        for (long j = 0; j < f; j++) {
            float g = up(gu[j]);
            out[j] = down(g / (1 + expf(-g)) * up(gu[f + j]));
        }
}

void swiglu_backward(long n, long f, const bf16 *restrict gu, const bf16 *restrict dout, bf16 *restrict dgu) {
    for (long i = 0; i < n; i++, gu += 2 * f, dgu += 2 * f, dout += f)
        for (long j = 0; j < f; j++) {
            float g = up(gu[j]), u = up(gu[f + j]), d = up(dout[j]), s = 1 / (1 + expf(-g));
            dgu[j] = down(d * u * s * (1 + g * (1 - s)));
            dgu[f + j] = down(d * g * s);
        }
}

// cross_entropy turns logits, n x v, into the gradient of sum(weight * loss), in place, and writes
// each row's loss and whether its greatest logit was the target's.
void cross_entropy(long n, long v, bf16 *restrict logits, const int64_t *restrict target,
                   const float *restrict weight, float *restrict row, float *restrict loss,
                   uint8_t *restrict right) {
    for (long i = 0; i < n; i++, logits += v) {
        float top = -3e38f, sum = 0;
        for (long j = 0; j < v; j++) {
            row[j] = up(logits[j]);
            top = row[j] > top ? row[j] : top;
        }
        float want = row[target[i]];
        right[i] = want == top;
        for (long j = 0; j < v; j++) {
            row[j] = expf(row[j] - top);
            sum += row[j];
        }
        loss[i] = logf(sum) + top - want;
        float s = weight[i] / sum;
        for (long j = 0; j < v; j++) logits[j] = down(row[j] * s);
        logits[target[i]] = down(row[target[i]] * s - weight[i]);
    }
}
