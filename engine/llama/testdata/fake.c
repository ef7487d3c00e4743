// A library that only looks like libllama, for the test of the ABI check: every required
// symbol, and the two parameter structs written out as llama.h has them, so that the
// compiler places the fields. Macros plant the defects (see fake_test.go).
#include "shim.h"

#include <stdlib.h>

#ifndef VERSION
#define VERSION "0.5.0-dev"
#endif
#ifndef BATCH_TYPE
#define BATCH_TYPE uint32_t
#endif

// Stubs for everything; the three functions that are called at load get other names here
// and are defined below.
#define llama_version stub_version
#define llama_model_default_params stub_model_default_params
#define llama_context_default_params stub_context_default_params
#define F0(result, name) \
    result name(void) { abort(); }
#define F(result, name, arguments, ...) \
    result name(__VA_ARGS__) { abort(); }
CL_SYMBOLS(F0, F)
#undef F0
#undef F
#undef llama_version
#undef llama_model_default_params
#undef llama_context_default_params

struct model_params {
    void *devices;
    const void *tensor_buft_overrides;
    int32_t n_gpu_layers;
    int32_t split_mode;
#ifndef OLD_MMAP
    int32_t load_mode;
    int32_t lazy_mode;
#endif
    int32_t main_gpu;
    const float *tensor_split;
    bool (*progress_callback)(float, void *);
    void *progress_callback_user_data;
    const void *kv_overrides;
    bool vocab_only;
#ifdef OLD_MMAP
    bool use_mmap;
#endif
    bool check_tensors;
    bool use_extra_bufts;
    bool no_host;
    bool no_alloc;
    bool load_mtp;
#ifdef HUGE_MODEL
    char more[HUGE_MODEL];
#endif
};

struct context_params {
    uint32_t n_ctx;
    BATCH_TYPE n_batch;
    uint32_t n_ubatch;
#ifdef INSERTED
    uint32_t inserted;
#endif
#ifdef SWAPPED
    uint32_t n_rs_seq;
    uint32_t n_seq_max;
#else
    uint32_t n_seq_max;
    uint32_t n_rs_seq;
#endif
    uint32_t n_outputs_max;
    uint32_t n_outputs_max_per_seq;
    int32_t n_threads;
    int32_t n_threads_batch;
    int32_t ctx_type;
    int32_t rope_scaling_type;
    int32_t pooling_type;
    int32_t attention_type;
    int32_t flash_attn_type;
    float rope_freq_base;
    float rope_freq_scale;
    float yarn_ext_factor;
    float yarn_attn_factor;
    float yarn_beta_fast;
    float yarn_beta_slow;
    uint32_t yarn_orig_ctx;
    float defrag_thold;
    void *cb_eval;
    void *cb_eval_user_data;
    int32_t type_k;
    int32_t type_v;
#ifdef MOE_CACHE
    size_t moe_cache_size;
#endif
    bool (*abort_callback)(void *);
    void *abort_callback_data;
    bool embeddings;
    bool offload_kqv;
    bool no_perf;
    bool op_offload;
#ifndef FEWER_BOOLS
    bool swa_full;
#endif
    bool kv_unified;
    void *samplers;
    size_t n_samplers;
    void *ctx_other;
#ifdef APPENDED
    void *appended;
#endif
};

#ifndef NO_VERSION
const char *llama_version(void) { return VERSION; }
#endif

struct model_params llama_model_default_params(void) {
    struct model_params p = {
        .n_gpu_layers = -1,
        .split_mode = 1,
#ifdef OLD_MMAP
        .use_mmap = true,
#else
        .load_mode = -1,
        .lazy_mode = 1,
#endif
        .use_extra_bufts = true,
    };
    return p;
}

#ifdef TINY_CONTEXT
// Small enough to come back in a register: the hidden pointer is not used at all.
typedef int32_t context_result;
#else
typedef struct context_params context_result;
#endif

context_result llama_context_default_params(void) {
    struct context_params p = {
        .n_ctx = 512,
        .n_batch = 2048,
        .n_ubatch = 512,
        .n_seq_max = 1,
        .n_outputs_max_per_seq = 1,
        .n_threads = 4,
        .n_threads_batch = 4,
        .rope_scaling_type = -1,
        .pooling_type = -1,
        .attention_type = -1,
        .flash_attn_type = -1,
        .yarn_ext_factor = -1,
        .yarn_attn_factor = -1,
        .yarn_beta_fast = -1,
        .yarn_beta_slow = -1,
        .defrag_thold = -1,
        .type_k = 1,
        .type_v = 1,
        .offload_kqv = true,
        .no_perf = true,
        .op_offload = true,
#ifndef FEWER_BOOLS
        .swa_full = true,
#endif
#ifdef OTHER_DEFAULT
        .kv_unified = true,
#endif
    };
#ifdef TINY_CONTEXT
    return (int32_t)p.n_ctx;
#else
    return p;
#endif
}
