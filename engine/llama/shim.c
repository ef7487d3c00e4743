#include "shim.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "_cgo_export.h"

static const char *const symbols[] = {
#define F0(result, name) #name,
#define F(result, name, arguments, ...) #name,
    CL_SYMBOLS(F0, F)
#undef F0
#undef F
};

static const size_t slots[] = {
#define F0(result, name) offsetof(cl_library, name),
#define F(result, name, arguments, ...) offsetof(cl_library, name),
    CL_SYMBOLS(F0, F)
#undef F0
#undef F
};

enum { N_SYMBOLS = sizeof symbols / sizeof symbols[0] };

const char *cl_symbol(int i) { return i < N_SYMBOLS ? symbols[i] : NULL; }

cl_library *cl_open(const char *path, char *error, size_t cap) {
    cl_library *lib = calloc(1, sizeof *lib);
    if (lib == NULL) {
        snprintf(error, cap, "out of memory");
        return NULL;
    }
    // RTLD_LOCAL keeps llama.cpp's symbols away from other libraries of the process;
    // RTLD_NOW makes a missing dependency an error here and not a crash later.
    lib->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (lib->handle == NULL) {
        const char *reason = dlerror();
        snprintf(error, cap, "%s", reason != NULL ? reason : "unknown error");
        free(lib);
        return NULL;
    }
    return lib;
}

const char *cl_resolve(cl_library *lib) {
    for (int i = 0; i < N_SYMBOLS; i++) {
        // ggml's functions are in libraries that libllama needs: dlsym searches them too.
        void *found = dlsym(lib->handle, symbols[i]);
        if (found == NULL) {
            return symbols[i];
        }
        memcpy((char *)lib + slots[i], &found, sizeof found);
    }
    return NULL;
}

void cl_discard(cl_library *lib) {
    dlclose(lib->handle);
    free(lib);
}

typedef cl_params (*defaults_function)(void);

static defaults_function defaults_of(cl_library *lib, int which) {
    return which == CL_MODEL ? lib->llama_model_default_params : lib->llama_context_default_params;
}

bool cl_probe(cl_library *lib, int which, unsigned char out[CL_PROBE_BYTES]) {
    defaults_function f = defaults_of(lib, which);
#if defined(__x86_64__)
    // System V: the hidden result pointer is the first integer argument.
    ((void (*)(void *))f)(out);
    return true;
#elif defined(__aarch64__)
    // AAPCS64: the hidden result pointer is x8, which no C prototype can name.
    register void *result __asm__("x8") = out;
    register defaults_function target __asm__("x9") = f;
    __asm__ volatile("blr %1"
                     : "+r"(result), "+r"(target)
                     :
                     : "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17",
#if !defined(__APPLE__) // x18 is reserved there
                       "x18",
#endif
                       "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v16", "v17",
                       "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
                       "v28", "v29", "v30", "v31", "cc", "memory");
    return true;
#else
    (void)f;
    (void)out;
    return false;
#endif
}

void cl_defaults(cl_library *lib, int which, unsigned char out[CL_PARAMS_BYTES]) {
    cl_params p = defaults_of(lib, which)();
    memcpy(out, &p, sizeof p);
}

static void on_log(int32_t level, const char *text, void *user) {
    callamaLog(level, (char *)text, (uintptr_t)user);
}

void cl_start(cl_library *lib, uintptr_t user, const char *dir) {
    // The log first: which backends were found, and why one was not, is told there.
    lib->llama_log_set(on_log, (void *)user);
    lib->ggml_backend_load_all_from_path(dir);
    lib->llama_backend_init();
}

void *cl_load_model(cl_library *lib, const char *path, const unsigned char params[CL_PARAMS_BYTES]) {
    cl_params p;
    memcpy(&p, params, sizeof p);
    return lib->llama_model_load_from_file(path, p);
}

void *cl_new_context(cl_library *lib, void *model, const unsigned char params[CL_PARAMS_BYTES]) {
    cl_params p;
    memcpy(&p, params, sizeof p);
    return lib->llama_init_from_model(model, p);
}

static bool on_progress(float done, void *user) {
    return callamaProgress(done, (uintptr_t)user) != 0;
}

uintptr_t cl_progress(void) { return (uintptr_t)on_progress; }

static bool on_abort(void *flag) { return __atomic_load_n((int32_t *)flag, __ATOMIC_ACQUIRE) != 0; }

void cl_watch(cl_library *lib, void *ctx, int32_t *flag) {
    lib->llama_set_abort_callback(ctx, on_abort, flag);
}

// The arrays of a batch, one after the other behind the struct: pointers first, so that
// every array is aligned.
cl_batch *cl_batch_new(int32_t capacity) {
    size_t n = (size_t)capacity;
    size_t per_token = sizeof(int32_t *) + 4 * sizeof(int32_t) + sizeof(int8_t);
    cl_batch *b = calloc(1, sizeof *b + n * per_token);
    if (b == NULL) {
        return NULL;
    }
    b->seq_id = (int32_t **)(b + 1);
    b->token = (int32_t *)(b->seq_id + n);
    b->pos = b->token + n;
    b->n_seq_id = b->pos + n;
    int32_t *seq = b->n_seq_id + n;
    b->logits = (int8_t *)(seq + n);
    for (size_t i = 0; i < n; i++) {
        b->n_seq_id[i] = 1;
        b->seq_id[i] = &seq[i];
    }
    return b;
}

int32_t cl_decode(cl_library *lib, void *ctx, const cl_batch *batch) {
    return lib->llama_decode(ctx, *batch);
}

void cl_grammar_apply(cl_library *lib, void *sampler, cl_token_data *candidates, size_t n) {
    cl_token_data_array a = {.data = candidates, .size = n, .selected = -1, .sorted = false};
    lib->llama_sampler_apply(sampler, &a);
}
