/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
 *
 * The kernel tier: packets of plain RTP, and of SRTP whose ends share their keys, go from one end of a call to the
 * other without meeting a process. What is not routine is passed up to the socket, as if this program were not there.
 *
 * A packet is taken when all of this holds: UDP over IPv4 without options or fragments, or over IPv6 without extension
 * headers; source and destination are exactly those of an entry in `legs`; it is RTP with the plainest header (no
 * padding, extension or contributing source), not RTCP (RFC 5761) and not telephone-event (RFC 4733). It leaves with the
 * addresses and ports of the entry, counted in `statistics`, paid for from `budgets`.
 *
 * Byte order: addresses and ports are in network order throughout, all else in the machine's.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>

#define SEC(name) __attribute__((section(name), used))
#define INLINE static inline __attribute__((always_inline))

#define PASS 0 /* TC_ACT_OK */
#define DROP 2 /* TC_ACT_SHOT */
#define TTL 64

static void *(*lookup)(void *map, const void *key) = (void *)BPF_FUNC_map_lookup_elem;
static __u64 (*now_ns)(void) = (void *)BPF_FUNC_ktime_get_ns;
static long (*pull)(struct __sk_buff *skb, __u32 len) = (void *)BPF_FUNC_skb_pull_data;
static long (*pop_vlan)(struct __sk_buff *skb) = (void *)BPF_FUNC_skb_vlan_pop;
static long (*store)(struct __sk_buff *skb, __u32 at, const void *from, __u32 len, __u64 flags) =
    (void *)BPF_FUNC_skb_store_bytes;
static long (*l3_sum)(struct __sk_buff *skb, __u32 at, __u64 from, __u64 to, __u64 size) =
    (void *)BPF_FUNC_l3_csum_replace;
static long (*l4_sum)(struct __sk_buff *skb, __u32 at, __u64 from, __u64 to, __u64 flags) =
    (void *)BPF_FUNC_l4_csum_replace;
static __s64 (*sum_diff)(__be32 *from, __u32 from_size, __be32 *to, __u32 to_size, __u32 seed) =
    (void *)BPF_FUNC_csum_diff;
static long (*redirect)(__u32 ifindex, __u64 flags) = (void *)BPF_FUNC_redirect;
static long (*redirect_neigh)(__u32 ifindex, void *params, int size, __u64 flags) = (void *)BPF_FUNC_redirect_neigh;

struct map {
	__u32 type, key_size, value_size, max_entries, flags;
};

/* Two ends of a path; IPv4 addresses as ::ffff:a.b.c.d. */
struct path {
	__be32 from[4], to[4];
	__be16 from_port, to_port;
};

struct leg {
	struct path out; /* how the packet leaves */
	__u32 ifindex;   /* by which interface; 0: it stays in this machine */
	__u32 row;       /* its place in `statistics` */
	__u32 budget;    /* its place in `budgets`, 0: none */
	__u32 clock;     /* of RTP, in Hz */
	__u8 event;      /* payload type of telephone-event, 255: none */
	__u8 tos;        /* traffic class it leaves with (RFC 2474) */
	__u8 pad[2];
};

/* RFC 3550 A.1, A.3, A.8, in the words of rtp/reception.py. */
struct row {
	__u64 received, octets; /* octets of payload */
	__u64 forwarded;
	__u64 over_budget;
	__u64 last_ns; /* when the last one came, CLOCK_MONOTONIC */
	__u64 earlier, cycles;
	__u32 ssrc, base, last, bad; /* bad > 0xffff: none */
	__u32 transit, jitter;
	__u32 started, pad;
};

struct budget {
	__s64 left; /* octets of IP packets */
	__u64 cut;  /* packets not sent for it */
};

struct map SEC("maps") legs = {BPF_MAP_TYPE_HASH, sizeof(struct path), sizeof(struct leg), 8192, 0};
struct map SEC("maps") statistics = {BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct row), 8192, 0};
struct map SEC("maps") budgets = {BPF_MAP_TYPE_ARRAY, sizeof(__u32), sizeof(struct budget), 1024, 0};

INLINE __u32 swap32(__u32 value) { return __builtin_bswap32(value); }
INLINE __u16 swap16(__u16 value) { return __builtin_bswap16(value); }
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#error "made for little-endian machines: x86-64 and arm64"
#endif

INLINE void restart(struct row *row, __u32 ssrc, __u32 sequence)
{
	if (row->started)
		row->earlier += row->cycles + row->last - row->base + 1;
	row->started = 1;
	row->ssrc = ssrc;
	row->base = row->last = sequence;
	row->cycles = 0;
	row->bad = 0x10000;
	row->jitter = 0;
}

INLINE void count(struct row *row, __u32 clock, __u32 ssrc, __u32 sequence, __u32 stamp, __u32 octets)
{
	__u64 now = now_ns();
	__u32 arrival = now / 1000 * clock / 1000000;
	__u32 transit = arrival - stamp, change, ahead;

	row->received++;
	row->octets += octets;
	row->last_ns = now;
	if (!row->started || ssrc != row->ssrc) {
		restart(row, ssrc, sequence);
		row->transit = transit;
		return;
	}
	ahead = (sequence - row->last) & 0xffff;
	if (ahead < 3000) {
		if (sequence < row->last)
			row->cycles += 0x10000;
		row->last = sequence;
	} else if (ahead <= 0x10000 - 100) {
		if (sequence != row->bad) {
			row->bad = (sequence + 1) & 0xffff;
			row->earlier++;
			return;
		}
		restart(row, ssrc, sequence);
	}
	change = transit - row->transit;
	row->transit = transit;
	if (change >= 0x80000000)
		change = -change;
	row->jitter += change - ((row->jitter + 8) >> 4);
}

/* Whether the packet may leave; what it costs is taken from its budget. */
INLINE int pay(__u32 number, __u32 octets)
{
	struct budget *budget;

	if (!number)
		return 1;
	budget = lookup(&budgets, &number);
	if (!budget)
		return 0;
	if (budget->left < octets) {
		__sync_fetch_and_add(&budget->cut, 1);
		return 0;
	}
	__sync_fetch_and_add(&budget->left, -(__s64)octets);
	return 1;
}

INLINE int leave_v4(struct __sk_buff *skb, const struct leg *leg, struct iphdr *ip)
{
	const __u32 at = ETH_HLEN, udp = at + sizeof(struct iphdr);
	const __u32 sum = udp + __builtin_offsetof(struct udphdr, check);
	__be32 before[2] = {ip->saddr, ip->daddr}, after[2] = {leg->out.from[3], leg->out.to[3]};
	__be16 head = *(__be16 *)ip, life = *(__be16 *)&ip->ttl;
	__be16 new_head = (head & 0x00ff) | (__u16)leg->tos << 8, new_life = (life & 0xff00) | TTL;
	__be32 ports = *(__be32 *)(ip + 1), new_ports = leg->out.from_port | (__u32)leg->out.to_port << 16;
	__s64 diff = sum_diff(before, sizeof(before), after, sizeof(after), 0);

	if (l4_sum(skb, sum, 0, diff, BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) ||
	    l4_sum(skb, sum, ports, new_ports, BPF_F_MARK_MANGLED_0 | 4) ||
	    l3_sum(skb, at + __builtin_offsetof(struct iphdr, check), 0, diff, 0) ||
	    l3_sum(skb, at + __builtin_offsetof(struct iphdr, check), head, new_head, 2) ||
	    l3_sum(skb, at + __builtin_offsetof(struct iphdr, check), life, new_life, 2))
		return 0;
	return !store(skb, at, &new_head, 2, 0) &&
	       !store(skb, at + __builtin_offsetof(struct iphdr, ttl), &new_life, 2, 0) &&
	       !store(skb, at + __builtin_offsetof(struct iphdr, saddr), after, sizeof(after), 0) &&
	       !store(skb, udp, &new_ports, 4, 0);
}

INLINE int leave_v6(struct __sk_buff *skb, const struct leg *leg, struct ipv6hdr *ip)
{
	const __u32 at = ETH_HLEN, udp = at + sizeof(struct ipv6hdr);
	const __u32 sum = udp + __builtin_offsetof(struct udphdr, check);
	__be32 before[8], after[8];
	__be32 head = *(__be32 *)ip;
	__be32 new_head = (head & swap32(0xf00fffff)) | swap32((__u32)leg->tos << 20);
	__u8 life = TTL;
	__be32 ports = *(__be32 *)(ip + 1), new_ports = leg->out.from_port | (__u32)leg->out.to_port << 16;
	__s64 diff;

	__builtin_memcpy(before, &ip->saddr, 32);
	__builtin_memcpy(after, leg->out.from, 16);
	__builtin_memcpy(after + 4, leg->out.to, 16);
	diff = sum_diff(before, sizeof(before), after, sizeof(after), 0);
	if (l4_sum(skb, sum, 0, diff, BPF_F_PSEUDO_HDR) || l4_sum(skb, sum, ports, new_ports, 4))
		return 0;
	return !store(skb, at, &new_head, 4, 0) &&
	       !store(skb, at + __builtin_offsetof(struct ipv6hdr, hop_limit), &life, 1, 0) &&
	       !store(skb, at + __builtin_offsetof(struct ipv6hdr, saddr), after, sizeof(after), 0) &&
	       !store(skb, udp, &new_ports, 4, 0);
}

SEC("tc") int relay(struct __sk_buff *skb)
{
	struct path in = {};
	struct leg *leg;
	struct row *row;
	struct udphdr *udp;
	struct ethhdr *eth;
	__u8 *rtp, type;
	void *data, *end;
	__u32 octets, headers;
	int v6;

	if (skb->protocol == swap16(ETH_P_IP))
		v6 = 0;
	else if (skb->protocol == swap16(ETH_P_IPV6))
		v6 = 1;
	else
		return PASS;
	headers = ETH_HLEN + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct udphdr) + 12;
	if (skb->len < headers || pull(skb, headers))
		return PASS;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	eth = data;
	if (data + ETH_HLEN + sizeof(struct iphdr) + sizeof(struct udphdr) + 12 > end)
		return PASS;
	if (v6) {
		struct ipv6hdr *ip = data + ETH_HLEN;

		if ((void *)(ip + 1) + sizeof(*udp) + 12 > end || eth->h_proto != swap16(ETH_P_IPV6) ||
		    ip->version != 6 || ip->nexthdr != IPPROTO_UDP)
			return PASS;
		__builtin_memcpy(in.from, &ip->saddr, 16);
		__builtin_memcpy(in.to, &ip->daddr, 16);
		udp = (void *)(ip + 1);
		octets = swap16(ip->payload_len);
	} else {
		struct iphdr *ip = data + ETH_HLEN;

		if (eth->h_proto != swap16(ETH_P_IP) || ip->version != 4 || ip->ihl != 5 ||
		    ip->frag_off & swap16(0x3fff) || ip->protocol != IPPROTO_UDP)
			return PASS;
		in.from[2] = in.to[2] = swap32(0xffff);
		in.from[3] = ip->saddr;
		in.to[3] = ip->daddr;
		udp = (void *)(ip + 1);
		octets = swap16(ip->tot_len) - sizeof(struct iphdr);
	}
	if (swap16(udp->len) != octets || octets < sizeof(*udp) + 12 ||
	    octets + headers - sizeof(*udp) - 12 > skb->len)
		return PASS;
	in.from_port = udp->source;
	in.to_port = udp->dest;
	rtp = (void *)(udp + 1);
	type = rtp[1] & 0x7f;
	if (rtp[0] != 0x80 || (type >= 64 && type <= 95))
		return PASS;
	leg = lookup(&legs, &in);
	if (!leg)
		return PASS;
	row = lookup(&statistics, &leg->row);
	if (!row)
		return PASS;
	octets -= sizeof(*udp) + 12;
	count(row, leg->clock, swap32(*(__be32 *)(rtp + 8)), swap16(*(__be16 *)(rtp + 2)), swap32(*(__be32 *)(rtp + 4)),
	      octets);
	if (type == leg->event) /* the loop looks into it and passes it on */
		return PASS;
	if (!pay(leg->budget, octets + sizeof(*udp) + 12 + (v6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)))) {
		row->over_budget++;
		return DROP;
	}
	row->forwarded++;
	if (skb->vlan_present && pop_vlan(skb))
		return DROP;
	data = (void *)(long)skb->data;
	end = (void *)(long)skb->data_end;
	if (data + headers > end)
		return DROP;
	if (v6) {
		if (data + ETH_HLEN + sizeof(struct ipv6hdr) + sizeof(*udp) > end || !leave_v6(skb, leg, data + ETH_HLEN))
			return DROP;
	} else {
		if (data + ETH_HLEN + sizeof(struct iphdr) + sizeof(*udp) > end || !leave_v4(skb, leg, data + ETH_HLEN))
			return DROP;
	}
	if (!leg->ifindex)
		return redirect(skb->ifindex, BPF_F_INGRESS);
	return redirect_neigh(leg->ifindex, 0, 0, 0);
}

char SEC("license") terms[] = "Dual BSD/GPL";
