// A small stand-in for NVML over the devices of driver.c, listed in the opposite order, so that
// a caller that matches by index reads the wrong memory. Compiled by the tests with
//   -DINIT_RESULT=r     what nvmlInit_v2 returns
//   -DWITHOUT_MEMORY    leaves out nvmlDeviceGetMemoryInfo
//   -DNO_UUID           knows no device by UUID, only by bus address
//   -DMIG               the devices are MIG slices: known as MIG-…, and the bus address is the parent's
#include <stdio.h>
#include <string.h>

#ifndef INIT_RESULT
#define INIT_RESULT 0
#endif

typedef struct { unsigned long long total, free, used; } memory;
typedef struct device { char uuid[64]; char bus[32]; unsigned long long total, free; } device;

static int open_count;

#ifdef MIG
#define PREFIX "MIG-"
#else
#define PREFIX "GPU-"
#endif

static device devices[] = {
	{PREFIX "a1a1a1a1-a1a1-a1a1-a1a1-a1a1a1a1a1a1", "0000:11:00.0", 1ull << 35, 22ull << 30},
	{PREFIX "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0", "0000:10:00.0", 1ull << 34, 11ull << 30},
};
static device parent = {"GPU-parent", "", 1ull << 37, 99ull << 30};

int nvmlInit_v2(void) {
	open_count += INIT_RESULT == 0;
	return INIT_RESULT;
}

int nvmlShutdown(void) {
	open_count--;
	return 0;
}

int nvmlSystemGetDriverVersion(char *v, unsigned len) {
	if (open_count < 1)
		return 1;
	snprintf(v, len, "580.65.06");
	return 0;
}

int nvmlDeviceGetHandleByUUID(const char *uuid, device **out) {
	if (open_count < 1)
		return 1;
#ifndef NO_UUID
	for (int i = 0; i < 2; i++)
		if (strcmp(devices[i].uuid, uuid) == 0) {
			*out = &devices[i];
			return 0;
		}
#endif
	return 6;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *id, device **out) {
	if (open_count < 1)
		return 1;
	for (int i = 0; i < 2; i++)
		if (strcmp(devices[i].bus, id) == 0) {
#ifdef MIG
			*out = &parent;
#else
			*out = &devices[i];
#endif
			return 0;
		}
	(void)parent;
	return 6;
}

#ifndef WITHOUT_MEMORY
int nvmlDeviceGetMemoryInfo(device *d, memory *m) {
	if (open_count < 1)
		return 1;
	m->total = d->total;
	m->free = d->free;
	m->used = d->total - d->free;
	return 0;
}
#endif

// How often the library is still initialised; the tests want 0.
int fakeOpen(void) { return open_count; }
