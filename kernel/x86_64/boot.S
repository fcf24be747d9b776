// How the machine reaches kernel_main: by PVH for the first CPU, by INIT and SIPI for the others.
//
// PVH enters at pvh_start in 32-bit mode, paging off, EBX leading to the start info. Page tables
// made here map the first 4 GiB three times:
//
//   0                    + 4 GiB   identity: while switching modes
//   0xffff800000000000   + 4 GiB   start of the direct map
//   0xffffffff80000000   + 2 GiB   the kernel's own code and data
//
// The section .boot is linked at its physical address; everything else at the high one.

#define DIRECT_SLOT 256
#define KERNEL_SLOT 511

        .section .note.pvh, "a", @note
        .align 4
        .long   4
        .long   8
        .long   18                      // XEN_ELFNOTE_PHYS32_ENTRY
        .asciz  "Xen"
        .quad   pvh_start

        .section .boot, "awx", @progbits
        .code32
        .global pvh_start
pvh_start:
        cli
        cld
        movl    %ebx, boot_info

        movl    $boot_pd, %edi          // 2048 entries of 2 MiB
        movl    $0x83, %eax
        movl    $2048, %ecx
1:      movl    %eax, (%edi)
        movl    $0, 4(%edi)
        addl    $0x200000, %eax
        addl    $8, %edi
        loop    1b
        orl     $0x10, boot_pd + (0xfee00000 >> 21) * 8 // the local APIC: not through the cache

        movl    $boot_pd + 0x0003, boot_pdpt
        movl    $boot_pd + 0x1003, boot_pdpt + 8
        movl    $boot_pd + 0x2003, boot_pdpt + 16
        movl    $boot_pd + 0x3003, boot_pdpt + 24
        movl    $boot_pd + 0x0003, boot_pdpt_high + 510 * 8
        movl    $boot_pd + 0x1003, boot_pdpt_high + 511 * 8
        movl    $boot_pdpt + 3, boot_pml4
        movl    $boot_pdpt + 3, boot_pml4 + DIRECT_SLOT * 8
        movl    $boot_pdpt_high + 3, boot_pml4 + KERNEL_SLOT * 8

        lgdt    gdt_pointer
        call    enter_long_mode
        ljmp    $0x08, $start64

// Paging and long mode on, the caller still in 32-bit code.
enter_long_mode:
        movl    %cr4, %eax
        orl     $0x20, %eax             // PAE
        movl    %eax, %cr4
        movl    $boot_pml4, %eax
        movl    %eax, %cr3
        movl    $0xc0000080, %ecx       // EFER: long mode, no-execute
        rdmsr
        orl     $0x900, %eax
        wrmsr
        movl    %cr0, %eax
        andl    $~0x4, %eax             // no emulation of the FPU
        orl     $0x80010002, %eax       // paging, write protection, monitor FPU
        movl    %eax, %cr0
        ret

        .code64
start64:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        xorl    %eax, %eax
        movw    %ax, %fs
        movw    %ax, %gs
        movabsq $boot_stack_top, %rsp
        xorl    %ebp, %ebp
        movl    boot_info, %edi
        movabsq $boot_main, %rax
        call    *%rax
1:      hlt
        jmp     1b

// The other CPUs start in real mode in a copy of this at 0x8000.
        .code16
ap_start:
        cli
        xorw    %ax, %ax
        movw    %ax, %ds
        lgdtl   ap_gdt_pointer - ap_start + 0x8000
        movl    %cr0, %eax
        orl     $1, %eax
        movl    %eax, %cr0
        ljmpl   $0x18, $ap32
        .align 4
ap_gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt
ap_start_end:

        .code32
ap32:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movl    $ap_early_stack_top, %esp       // shared: `call` below is harmless, see next line
        movl    $1, %eax
1:      xchgl   %eax, ap_early_lock             // one CPU at a time on it
        testl   %eax, %eax
        jz      2f
        pause
        movl    $1, %eax
        jmp     1b
2:      call    enter_long_mode
        ljmp    $0x08, $ap64

        .code64
ap64:
        movw    $0x10, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        xorl    %eax, %eax
        movw    %ax, %fs
        movw    %ax, %gs
        movl    $1, %edi
        lock xaddl %edi, ap_counter
        movl    $0, ap_early_lock
        cmpl    ap_limit, %edi
        jae     3f
        movabsq $ap_stacks, %rax
        movq    (%rax, %rdi, 8), %rsp
        xorl    %ebp, %ebp
        movabsq $ap_main, %rax
        call    *%rax
3:      cli
        hlt
        jmp     3b

        .align 8
gdt:    .quad   0
        .quad   0x00af9a000000ffff      // 0x08 code, 64 bits
        .quad   0x00cf92000000ffff      // 0x10 data
        .quad   0x00cf9a000000ffff      // 0x18 code, 32 bits
gdt_end:
gdt_pointer:
        .word   gdt_end - gdt - 1
        .long   gdt
        .align 4
boot_info:      .long 0
ap_early_lock:  .long 0
ap_counter:     .long 1                 // number of the next CPU
ap_limit:       .long 1

// Where the kernel finds the above: too far from it for its own addressing.
        .section .rodata, "a", @progbits
        .align 8
        .global boot_addresses
boot_addresses: .quad   boot_pml4, ap_start, ap_start_end, ap_limit

        .section .boot_bss, "aw", @nobits
        .align 4096
boot_pml4:      .skip 4096
boot_pdpt:      .skip 4096
boot_pdpt_high: .skip 4096
boot_pd:        .skip 4 * 4096
        .skip 64
ap_early_stack_top:

        .section .bss, "aw", @nobits
        .align 16
        .skip 16384
boot_stack_top:

        .section .note.GNU-stack, "", @progbits
