// Entries of the interrupt table, and the one load that may fault.
        .code64
        .text

        .altmacro
        .macro  trap_entry number
        .align 16
        .if (\number == 8) || ((\number >= 10) && (\number <= 14)) || (\number == 17)
        .else
        pushq   $0                      // where the CPU pushes no error code
        .endif
        pushq   $\number
        jmp     trap_common
        .endm

        .global trap_entries            // 16 bytes each
        .align 16
trap_entries:
        .set    number, 0
        .rept   66
        trap_entry %number
        .set    number, number + 1
        .endr

trap_common:
        pushq   %rax
        pushq   %rcx
        pushq   %rdx
        pushq   %rbx
        pushq   %rbp
        pushq   %rsi
        pushq   %rdi
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        movq    %rsp, %rdi
        cld
        call    trap_main
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rdi
        popq    %rsi
        popq    %rbp
        popq    %rbx
        popq    %rdx
        popq    %rcx
        popq    %rax
        addq    $16, %rsp
        iretq

// bool probe(const void*): reads a byte; false when that faults. trap_main sends a fault at
// probe_load on to probe_fault.
        .global probe, probe_load, probe_fault
probe:
probe_load:
        movb    (%rdi), %al
        movl    $1, %eax
        ret
probe_fault:
        xorl    %eax, %eax
        ret

        .section .note.GNU-stack, "", @progbits
