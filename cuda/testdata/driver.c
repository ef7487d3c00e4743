// A small stand-in for the CUDA driver, compiled by the tests with
//   -DDEVICES=n        number of devices (0: cuInit says that there are none)
//   -DINIT_RESULT=r    what cuInit returns
//   -DWITHOUT_COUNT    leaves out cuDeviceGetCount
//   -DWITHOUT_UUID     leaves out cuDeviceGetUuid_v2, as drivers before 11.4 do
//   -DCOUNT=n          makes cuDeviceGetCount lie
//   -DVERSION=v        what cuDriverGetVersion says
#include <stdio.h>
#include <string.h>

#ifndef DEVICES
#define DEVICES 2
#endif
#ifndef INIT_RESULT
#define INIT_RESULT (DEVICES == 0 ? 100 : 0)
#endif
#ifndef COUNT
#define COUNT DEVICES
#endif
#ifndef VERSION
#define VERSION 13010
#endif

typedef int CUresult;
typedef int CUdevice;

enum { HANDLE_BASE = 40 }; // a CUdevice is not its ordinal: callers must not mix them

static int ready;
static int contexts;   // retained and not released
static int pushed = -1;

CUresult cuInit(unsigned flags) {
	if (flags != 0)
		return 1;
	ready = INIT_RESULT == 0;
	return INIT_RESULT;
}

CUresult cuDriverGetVersion(int *v) {
	*v = VERSION;
	return 0;
}

#ifndef WITHOUT_COUNT
CUresult cuDeviceGetCount(int *n) {
	if (!ready)
		return 3;
	*n = COUNT;
	return 0;
}
#endif

CUresult cuDeviceGet(CUdevice *d, int ordinal) {
	if (!ready || ordinal < 0 || ordinal >= DEVICES)
		return 101;
	*d = HANDLE_BASE + ordinal;
	return 0;
}

static int index_of(CUdevice d) {
	int i = d - HANDLE_BASE;
	return ready && i >= 0 && i < DEVICES ? i : -1;
}

CUresult cuDeviceGetName(char *name, int len, CUdevice d) {
	if (index_of(d) < 0)
		return 101;
	snprintf(name, len, "Fake %d", index_of(d));
	return 0;
}

CUresult cuDeviceGetAttribute(int *v, int attribute, CUdevice d) {
	int i = index_of(d);
	if (i < 0)
		return 101;
	switch (attribute) {
	case 75:
		*v = i == 0 ? 9 : 8;
		return 0;
	case 76:
		*v = i == 0 ? 0 : 6;
		return 0;
	}
	return 1;
}

static size_t total_of(int i) { return (size_t)(i + 1) << 34; } // 16 GiB, 32 GiB

CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice d) {
	if (index_of(d) < 0)
		return 101;
	*bytes = total_of(index_of(d));
	return 0;
}

CUresult cuDeviceGetPCIBusId(char *id, int len, CUdevice d) {
	if (index_of(d) < 0)
		return 101;
	snprintf(id, len, "0000:%02d:00.0", 10 + index_of(d));
	return 0;
}

#ifndef WITHOUT_UUID
CUresult cuDeviceGetUuid_v2(unsigned char *uuid, CUdevice d) {
	if (index_of(d) < 0)
		return 101;
	memset(uuid, 0xa0 + index_of(d), 16);
	return 0;
}
#endif

CUresult cuDevicePrimaryCtxRetain(void **ctx, CUdevice d) {
	if (index_of(d) < 0)
		return 101;
	contexts++;
	*ctx = (void *)(size_t)d;
	return 0;
}

CUresult cuDevicePrimaryCtxRelease_v2(CUdevice d) {
	(void)d;
	contexts--;
	return 0;
}

CUresult cuCtxPushCurrent_v2(void *ctx) {
	pushed = (int)(size_t)ctx;
	return 0;
}

CUresult cuCtxPopCurrent_v2(void **ctx) {
	*ctx = (void *)(size_t)pushed;
	pushed = -1;
	return 0;
}

// A quarter is free as seen from a context; NVML says another number, to tell them apart.
CUresult cuMemGetInfo_v2(size_t *free_bytes, size_t *total) {
	if (contexts != 1 || index_of(pushed) < 0)
		return 201;
	*total = total_of(index_of(pushed));
	*free_bytes = *total / 4;
	return 0;
}

// How many contexts are left over; the tests want 0.
int fakeContexts(void) { return contexts; }
