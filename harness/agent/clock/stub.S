# The code that answers for the wall clock, put into the unused tail of a process's vDSO. Source of the bytes in stub.py:
#   as stub.S -o stub.o && objcopy -O binary -j .text stub.o stub.bin && nm stub.o
# A test assembles it again and compares. It is entered by a jump from the first byte of the vDSO's own functions, so it
# keeps to their contract (System V: rax, rcx, rdx, rsi, rdi, r8-r11 are ours; the stack is 8 below a multiple of 16).
.intel_syntax noprefix
.text

.set NS_PER_S, 1000000000
.set REALTIME_COARSE, 5
.set MONOTONIC_COARSE, 6
.set TAI, 11

# --- parameters -------------------------------------------------------------------------------------------------------
# Two blocks; `word` says which is in force (its lowest byte: how far the block is from `params`) and counts in the
# bytes above. The idle block is written first, then `word`: a reader that sees the same word before and after it has
# read a block has read it whole, and nobody ever waits for the writer.
params: .ascii "chaos-v1"
word:   .quad block_a - params
.set CHOICE, 8                  # where `word` is, from `params`
.set LEASE, 0                   # ns of CLOCK_MONOTONIC; from then on the true time; 0: nothing is in force
.set SINCE, 8                   # ns since 1970, true time: the drift counts from here
.set AHEAD_S, 16                # offset: whole seconds (rounded down) ...
.set AHEAD_NS, 24               # ... and 0 to 999,999,999 ns
.set DRIFT, 32                  # gained in a second, in 2^-62 s; from -2^62 to 2^62
block_a: .quad 0, 0, 0, 0, 0
block_b: .quad 0, 0, 0, 0, 0

# --- clock_gettime(edi: clock, rsi: timespec) -------------------------------------------------------------------------
clock_gettime:
    test edi, edi
    je wall
    cmp edi, REALTIME_COARSE
    je wall
    cmp edi, TAI
    je wall
original:                       # the first instructions of the kernel's own, and a jump to the rest: filled in per vDSO
    .fill 48, 1, 0xcc
wall:
    push rsi
    call original
    pop rsi
    test eax, eax
    jne 9f                      # the kernel's own error is the answer
    lea r8, [rip + params]
    movzx ecx, byte ptr [r8 + CHOICE]
    cmp qword ptr [r8 + rcx + LEASE], 0
    je 8f
    push rsi
    sub rsp, 16
    mov rsi, rsp
    mov edi, MONOTONIC_COARSE
    call original
    pop r10
    pop r11
    pop rsi
    test eax, eax
    jne 8f                      # whoever cannot know whether the lease is over tells the truth
    imul r10, r10, NS_PER_S
    add r10, r11                # now, CLOCK_MONOTONIC
    lea r8, [rip + params]
1:  mov r9, [r8 + CHOICE]
    movzx ecx, r9b
    add rcx, r8
    mov r11, [rcx + LEASE]
    mov rdi, [rcx + SINCE]
    mov rdx, [rcx + AHEAD_S]
    mov rax, [rcx + DRIFT]
    mov rcx, [rcx + AHEAD_NS]
    cmp r9, [r8 + CHOICE]
    jne 1b
    cmp r10, r11
    jge 8f
    add rdx, [rsi]
    add rcx, [rsi + 8]
    test rax, rax
    jne 4f
2:  cmp rcx, NS_PER_S           # without a sign: what is below zero is large
    jb 3f
    sub rcx, NS_PER_S
    inc rdx
    cmp rcx, NS_PER_S
    jae 5f
3:  mov [rsi], rdx
    mov [rsi + 8], rcx
8:  xor eax, eax
9:  ret
4:  imul r10, [rsi], NS_PER_S   # the drift: (now - since) * DRIFT / 2^62
    add r10, [rsi + 8]
    sub r10, rdi
    mov r11, rdx
    imul r10
    shrd rax, rdx, 62
    add rcx, rax
    mov rdx, r11
    jmp 2b
5:  mov r11, rdx                # more than a second of drift, or less than none: divided, rounded down
    mov rax, rcx
    mov r9d, NS_PER_S
    cqo
    idiv r9                     # 64 bits by a constant: it cannot overflow
    mov rcx, rdx
    lea rdx, [r11 + rax]
    test rcx, rcx
    jns 3b
    add rcx, r9
    dec rdx
    jmp 3b

# --- gettimeofday(rdi: timeval, rsi: timezone) ------------------------------------------------------------------------
gettimeofday:
    push rdi
    push rsi
    sub rsp, 24
    mov rsi, rsp
    xor edi, edi
    call clock_gettime
    mov r8, [rsp]
    mov eax, [rsp + 8]
    add rsp, 24
    pop rsi
    pop rdi
    test rdi, rdi
    je 4f
    xor edx, edx
    mov ecx, 1000
    div ecx
    mov [rdi], r8
    mov [rdi + 8], rax
4:  test rsi, rsi
    je 5f
    mov qword ptr [rsi], 0      # UTC, no daylight saving: what the kernel says unless somebody has set it
5:  xor eax, eax
    ret

# --- time(rdi: seconds) -----------------------------------------------------------------------------------------------
time:
    push rdi
    sub rsp, 16
    mov rsi, rsp
    mov edi, REALTIME_COARSE
    call clock_gettime
    mov rax, [rsp]
    add rsp, 16
    pop rdi
    test rdi, rdi
    je 6f
    mov [rdi], rax
6:  ret
