// The C side of the binding: our own declarations of the llama.cpp functions that Callama
// calls, as a table of pointers that cl_resolve fills from one dlopen handle. No llama.cpp
// header is needed to build; the layouts behind these declarations are checked when a
// library is loaded (abi.go).
#ifndef CALLAMA_LLAMA_SHIM_H
#define CALLAMA_LLAMA_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CL_PARAMS_BYTES bounds llama.cpp's parameter structs (80 and 168 bytes in the newest
// known version). A struct over 16 bytes goes by value in memory and returns through a
// hidden pointer in the System V x86-64 and AAPCS64 conventions, so a caller may use a
// bigger one in both directions: the callee touches only its own part.
#define CL_PARAMS_BYTES 512

// CL_PROBE_BYTES is the room for an unknown library's parameter struct while it is being
// probed: enough that a struct far beyond CL_PARAMS_BYTES is measured, not an overflow.
#define CL_PROBE_BYTES 8192

typedef struct {
    uint64_t word[CL_PARAMS_BYTES / 8];
} cl_params;

// llama_batch: 56 bytes in every known version.
typedef struct {
    int32_t n_tokens;
    int32_t *token;
    float *embd;
    int32_t *pos;
    int32_t *n_seq_id;
    int32_t **seq_id;
    int8_t *logits;
} cl_batch;

// llama_token_data and llama_token_data_array: 12 and 32 bytes in every known version.
typedef struct {
    int32_t id;
    float logit;
    float p;
} cl_token_data;

typedef struct {
    cl_token_data *data;
    size_t size;
    int64_t selected;
    bool sorted;
} cl_token_data_array;

_Static_assert(sizeof(cl_batch) == 56, "llama_batch");
_Static_assert(sizeof(cl_token_data) == 12, "llama_token_data");
_Static_assert(sizeof(cl_token_data_array) == 32, "llama_token_data_array");

typedef void (*cl_log_callback)(int32_t level, const char *text, void *user);
typedef bool (*cl_abort_callback)(void *user);

// CL_SYMBOLS lists every function that Callama calls, all of them required: F0(result,
// name) without arguments, F(result, name, (arguments of a call), parameters...). The
// prototypes are the same in llama.cpp 0.5.0 and 0.7.0; enums are int32_t.
#define CL_SYMBOLS(F0, F)                                                                   \
    F0(const char *, llama_version)                                                         \
    F0(cl_params, llama_model_default_params)                                               \
    F0(cl_params, llama_context_default_params)                                             \
    F0(void, llama_backend_init)                                                            \
    F0(const char *, llama_print_system_info)                                               \
    F0(bool, llama_supports_gpu_offload)                                                    \
    F0(size_t, llama_max_parallel_sequences)                                                \
    F0(size_t, ggml_backend_dev_count)                                                      \
    F(void, llama_log_set, (f, u), cl_log_callback f, void *u)                              \
    F(void, ggml_backend_load_all_from_path, (d), const char *d)                            \
    F(void *, ggml_backend_dev_get, (i), size_t i)                                          \
    F(const char *, ggml_backend_dev_name, (d), void *d)                                    \
    F(const char *, ggml_backend_dev_description, (d), void *d)                             \
    F(int32_t, ggml_backend_dev_type, (d), void *d)                                         \
    F(void, ggml_backend_dev_memory, (d, f, t), void *d, size_t *f, size_t *t)              \
    F(void *, llama_model_load_from_file, (f, p), const char *f, cl_params p)               \
    F(void, llama_model_free, (m), void *m)                                                 \
    F(void *, llama_model_get_vocab, (m), void *m)                                          \
    F(int32_t, llama_model_desc, (m, b, n), void *m, char *b, size_t n)                     \
    F(uint64_t, llama_model_size, (m), void *m)                                             \
    F(uint64_t, llama_model_n_params, (m), void *m)                                         \
    F(int32_t, llama_model_n_ctx_train, (m), void *m)                                       \
    F(int32_t, llama_model_n_layer, (m), void *m)                                           \
    F(int32_t, llama_model_n_embd, (m), void *m)                                            \
    F(bool, llama_model_has_encoder, (m), void *m)                                          \
    F(bool, llama_model_has_decoder, (m), void *m)                                          \
    F(bool, llama_model_is_recurrent, (m), void *m)                                         \
    F(bool, llama_model_is_hybrid, (m), void *m)                                            \
    F(int32_t, llama_model_meta_val_str, (m, k, b, n), void *m, const char *k, char *b, size_t n) \
    F(const char *, llama_model_chat_template, (m, k), void *m, const char *k)              \
    F(int32_t, llama_vocab_type, (v), void *v)                                              \
    F(int32_t, llama_vocab_n_tokens, (v), void *v)                                          \
    F(const char *, llama_vocab_get_text, (v, t), void *v, int32_t t)                       \
    F(int32_t, llama_vocab_get_attr, (v, t), void *v, int32_t t)                            \
    F(bool, llama_vocab_is_eog, (v, t), void *v, int32_t t)                                 \
    F(bool, llama_vocab_is_control, (v, t), void *v, int32_t t)                             \
    F(int32_t, llama_vocab_bos, (v), void *v)                                               \
    F(int32_t, llama_vocab_eos, (v), void *v)                                               \
    F(int32_t, llama_vocab_eot, (v), void *v)                                               \
    F(bool, llama_vocab_get_add_bos, (v), void *v)                                          \
    F(int32_t, llama_token_to_piece, (v, t, b, n, strip, special),                          \
      void *v, int32_t t, char *b, int32_t n, int32_t strip, bool special)                  \
    F(int32_t, llama_tokenize, (v, s, len, out, cap, special, parse),                       \
      void *v, const char *s, int32_t len, int32_t *out, int32_t cap, bool special, bool parse) \
    F(int32_t, llama_detokenize, (v, t, n, b, cap, remove, unparse),                        \
      void *v, const int32_t *t, int32_t n, char *b, int32_t cap, bool remove, bool unparse) \
    F(void *, llama_init_from_model, (m, p), void *m, cl_params p)                          \
    F(void, llama_free, (c), void *c)                                                       \
    F(uint32_t, llama_n_ctx, (c), void *c)                                                  \
    F(uint32_t, llama_n_ctx_seq, (c), void *c)                                              \
    F(uint32_t, llama_n_batch, (c), void *c)                                                \
    F(uint32_t, llama_n_ubatch, (c), void *c)                                               \
    F(uint32_t, llama_n_seq_max, (c), void *c)                                              \
    F(int32_t, llama_n_threads, (c), void *c)                                               \
    F(int32_t, llama_n_threads_batch, (c), void *c)                                         \
    F(void, llama_set_n_threads, (c, n, b), void *c, int32_t n, int32_t b)                  \
    F(void, llama_set_abort_callback, (c, f, u), void *c, cl_abort_callback f, void *u)     \
    F(int32_t, llama_decode, (c, b), void *c, cl_batch b)                                   \
    F(void, llama_synchronize, (c), void *c)                                                \
    F(float *, llama_get_logits_ith, (c, i), void *c, int32_t i)                            \
    F(void *, llama_get_memory, (c), void *c)                                               \
    F(void, llama_memory_clear, (m, data), void *m, bool data)                              \
    F(bool, llama_memory_seq_rm, (m, s, p0, p1), void *m, int32_t s, int32_t p0, int32_t p1) \
    F(void, llama_memory_seq_cp, (m, s, d, p0, p1), void *m, int32_t s, int32_t d, int32_t p0, int32_t p1) \
    F(void, llama_memory_seq_keep, (m, s), void *m, int32_t s)                              \
    F(void, llama_memory_seq_add, (m, s, p0, p1, d), void *m, int32_t s, int32_t p0, int32_t p1, int32_t d) \
    F(int32_t, llama_memory_seq_pos_min, (m, s), void *m, int32_t s)                        \
    F(int32_t, llama_memory_seq_pos_max, (m, s), void *m, int32_t s)                        \
    F(bool, llama_memory_can_shift, (m), void *m)                                           \
    F(void *, llama_adapter_lora_init, (m, f), void *m, const char *f)                      \
    F(void, llama_adapter_lora_free, (a), void *a)                                          \
    F(int32_t, llama_set_adapters_lora, (c, a, n, s), void *c, void **a, size_t n, float *s) \
    F(void *, llama_sampler_init_grammar, (v, g, r), void *v, const char *g, const char *r) \
    F(void, llama_sampler_apply, (s, a), void *s, cl_token_data_array *a)                   \
    F(void, llama_sampler_accept, (s, t), void *s, int32_t t)                               \
    F(void *, llama_sampler_clone, (s), void *s)                                            \
    F(void, llama_sampler_free, (s), void *s)

// A loaded shared library: its handle and the functions found in it.
typedef struct {
    void *handle;
#define F0(result, name) result (*name)(void);
#define F(result, name, arguments, ...) result (*name)(__VA_ARGS__);
    CL_SYMBOLS(F0, F)
#undef F0
#undef F
} cl_library;

// Go cannot call through a C function pointer: cl_NAME(lib, ...) calls the library's NAME.
#define F0(result, name) \
    static inline result cl_##name(cl_library *lib) { return lib->name(); }
#define F(result, name, arguments, ...) \
    static inline result cl_##name(cl_library *lib, __VA_ARGS__) { return lib->name arguments; }
CL_SYMBOLS(F0, F)
#undef F0
#undef F

// cl_open returns the library at path with no symbol resolved, or NULL with the dynamic
// linker's reason in error, cut at cap bytes.
cl_library *cl_open(const char *path, char *error, size_t cap);

// cl_resolve fills the table. It returns NULL, or the name of the first symbol missing.
const char *cl_resolve(cl_library *lib);

// cl_discard closes a library that was refused before any of its code but
// llama_version and the default-params functions ran.
void cl_discard(cl_library *lib);

// cl_symbol returns the name of the i-th required symbol, NULL past the last.
const char *cl_symbol(int i);

// The parameter structs.
enum { CL_MODEL, CL_CONTEXT };

// cl_probe calls a default-params function with out as its hidden result pointer, so that
// every byte it does not write keeps what the caller filled in. It returns false on an
// architecture whose calling convention is not known here.
bool cl_probe(cl_library *lib, int which, unsigned char out[CL_PROBE_BYTES]);

// cl_defaults copies a struct's default values into out.
void cl_defaults(cl_library *lib, int which, unsigned char out[CL_PARAMS_BYTES]);

// cl_start routes the library's log to callamaLog with user, loads the compute backends
// found in dir and initialises the library.
void cl_start(cl_library *lib, uintptr_t user, const char *dir);

// cl_load_model and cl_new_context call the library with a copy of params by value.
void *cl_load_model(cl_library *lib, const char *path, const unsigned char params[CL_PARAMS_BYTES]);
void *cl_new_context(cl_library *lib, void *model, const unsigned char params[CL_PARAMS_BYTES]);

// cl_progress is the address of the function that calls callamaProgress: the value of
// model_params.progress_callback.
uintptr_t cl_progress(void);

// cl_watch makes decodes on ctx stop when *flag is not zero. CPU backends only.
void cl_watch(cl_library *lib, void *ctx, int32_t *flag);

// cl_batch_new returns a batch with room for capacity tokens of one sequence each, all in
// one allocation for free, or NULL.
cl_batch *cl_batch_new(int32_t capacity);

// cl_grammar_apply sets the logit of every candidate that the sampler refuses to -INFINITY.
void cl_grammar_apply(cl_library *lib, void *sampler, cl_token_data *candidates, size_t n);

int32_t cl_decode(cl_library *lib, void *ctx, const cl_batch *batch);

#endif
