// How the machine reaches kernel_main: as a Linux Image for the first CPU, by PSCI for the others.
//
// QEMU's `virt` machine enters at image_start with the MMU off, at EL1, X0 leading to the device
// tree. Tables made here map the first 4 GiB three times; TTBR0 and TTBR1 lead to the same one:
//
//   0                    + 4 GiB   identity: while the MMU is being switched on
//   0xffff800000000000   + 4 GiB   start of the direct map
//   0xffffffff80000000   + 2 GiB   the kernel's own code and data
//
// The first GiB holds devices, RAM starts behind it. The section .boot is linked at its physical
// address; everything else at the high one.

        .equ    device_gib, 0x405       // accessed, device memory (MAIR index 1), a block
        .equ    normal_gib, 0x701       // accessed, inner shareable, normal (index 0), a block
        .equ    next_table, 0x3

        .section .boot, "awx", %progbits
        .global image_start
image_start:
        b       start
        .word   0
        .quad   0x80000                 // where behind a multiple of 2 MiB we want to be
        .quad   image_bytes             // link.ld
        .quad   2                       // little-endian, 4 KiB pages
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   0

start:
        msr     daifset, #15
        mov     x19, x0
        ldr     x0, =bss_physical       // link.ld
        ldr     x1, =bss_physical_end
1:      stp     xzr, xzr, [x0], #16
        cmp     x0, x1
        b.lo    1b

        ldr     x0, =boot_root
        ldr     x1, =boot_low
        ldr     x2, =boot_high
        orr     x3, x1, #next_table
        str     x3, [x0]
        str     x3, [x0, #256 * 8]
        orr     x3, x2, #next_table
        str     x3, [x0, #511 * 8]
        mov     x3, #device_gib
        str     x3, [x1]
        str     x3, [x2, #510 * 8]
        mov     x4, #0x40000000
        mov     x3, #normal_gib
        add     x3, x3, x4
        str     x3, [x2, #511 * 8]
        str     x3, [x1, #8]
        add     x3, x3, x4
        str     x3, [x1, #16]
        add     x3, x3, x4
        str     x3, [x1, #24]

        bl      enable_mmu
        ldr     x0, =boot_stack_top
        mov     sp, x0
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x19
        ldr     x1, =boot_main
        br      x1

// PSCI enters here for another CPU: MMU off, X0 holds its number.
        .global ap_start
ap_start:
        msr     daifset, #15
        mov     x19, x0
        bl      enable_mmu
        ldr     x0, =ap_stacks
        ldr     x0, [x0, x19, lsl #3]
        mov     sp, x0
        mov     x29, xzr
        mov     x30, xzr
        mov     x0, x19
        ldr     x1, =ap_main
        br      x1

// MMU and caches on; returns at the same address, which is mapped to itself.
enable_mmu:
        ldr     x0, =0x04ff             // MAIR: 0 normal, write-back; 1 device
        msr     mair_el1, x0
        mrs     x1, id_aa64mmfr0_el1    // physical addresses as wide as the CPU has, up to 48 bits
        and     x1, x1, #7
        cmp     x1, #5
        mov     x2, #5
        csel    x1, x1, x2, lo
        ldr     x0, =0xb5103510         // 48 bits of addresses either side, 4 KiB, cached walks
        orr     x0, x0, x1, lsl #32
        msr     tcr_el1, x0
        ldr     x0, =boot_root
        msr     ttbr0_el1, x0
        msr     ttbr1_el1, x0
        dsb     sy
        tlbi    vmalle1
        dsb     sy
        isb
        ldr     x0, =0x30d0180d         // what has to be one; caches, stack alignment, MMU
        msr     sctlr_el1, x0
        isb
        ret
        .ltorg

// Where the kernel finds the above: too far from it for its own addressing.
        .section .rodata, "a", %progbits
        .align  3
        .global boot_addresses
boot_addresses: .quad   boot_root, ap_start

        .section .boot_bss, "aw", %nobits
        .align  12
boot_root:      .skip   4096
boot_low:       .skip   4096
boot_high:      .skip   4096

        .section .bss, "aw", %nobits
        .align  4
        .skip   16384
boot_stack_top:

        .section .note.GNU-stack, "", %progbits
