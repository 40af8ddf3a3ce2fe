import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.message.Message;

/** Puts the harness's load on RocketMQ's Java client; flags and report are those of the Go programs beside it. */
public final class Driver {
    private static volatile int phase; // 0 warm-up, 1 measured, 2 over
    private static final AtomicLong messages = new AtomicLong();
    private static final AtomicLong failed = new AtomicLong();
    private static final AtomicReference<Throwable> first = new AtomicReference<>();
    private static final List<Long> samples = new ArrayList<>();

    private Driver() {
    }

    public static void main(String[] args) throws Exception {
        System.setProperty("rocketmq.client.logLevel", "ERROR");
        Map<String, String> o = new HashMap<>();
        for (int i = 0; i + 1 < args.length; i += 2) {
            o.put(args[i], args[i + 1]);
        }
        String topic = o.get("-t");
        String mode = o.get("-m");
        int size = Integer.parseInt(o.get("-s"));
        int inFlight = Integer.parseInt(o.get("-f"));
        long measure = seconds(o.get("-d"));
        byte[] body = new byte[size];
        DefaultMQProducer p = new DefaultMQProducer("RMQBENCH_PEERS");
        p.setNamesrvAddr(o.get("-n"));
        p.setRetryTimesWhenSendFailed(0);
        p.setRetryTimesWhenSendAsyncFailed(0);
        p.setCompressMsgBodyOverHowmuch(Integer.MAX_VALUE);
        p.start();

        List<Thread> workers = new ArrayList<>();
        int threads = mode.equals("async") ? 1 : inFlight;
        for (int i = 0; i < threads; i++) {
            Thread t = new Thread(() -> {
                if (mode.equals("async")) {
                    async(p, topic, body, inFlight);
                } else {
                    loop(p, topic, body, mode.equals("oneway"));
                }
            });
            t.start();
            workers.add(t);
        }
        Thread.sleep(5000); // the virtual machine compiles what is hot first
        OperatingSystemMXBean os = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
        long cpu = os.getProcessCpuTime();
        long bytes = allocated();
        long began = System.nanoTime();
        phase = 1;
        Thread.sleep(measure);
        phase = 2;
        long elapsed = System.nanoTime() - began;
        cpu = os.getProcessCpuTime() - cpu;
        bytes = allocated() - bytes;
        for (Thread t : workers) {
            t.join();
        }
        p.shutdown();
        Long[] sorted;
        synchronized (samples) {
            sorted = samples.toArray(new Long[0]);
        }
        Arrays.sort(sorted);
        long p50 = sorted.length == 0 ? 0 : sorted[sorted.length / 2];
        long p99 = sorted.length == 0 ? 0 : sorted[(int) (sorted.length * 99L / 100)];
        System.out.printf("{\"client\":\"java\",\"messages\":%d,\"failed\":%d,\"elapsed_ns\":%d,\"cpu_ns\":%d,\"allocs\":0,\"alloc_bytes\":%d,\"p50_ns\":%d,\"p99_ns\":%d}%n",
            messages.get(), failed.get(), elapsed, cpu, Math.max(bytes, 0), p50, p99);
        if (failed.get() > 0) {
            System.err.println(failed.get() + " sends failed, the first: " + first.get());
            System.exit(1);
        }
        System.exit(0);
    }

    /** Bytes allocated by the threads that live now. */
    private static long allocated() {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long sum = 0;
        for (long b : threads.getThreadAllocatedBytes(threads.getAllThreadIds())) {
            sum += Math.max(b, 0);
        }
        return sum;
    }

    /** Reads a Go duration such as 2s or 500ms; milliseconds. */
    private static long seconds(String d) {
        if (d.endsWith("ms")) {
            return Long.parseLong(d.substring(0, d.length() - 2));
        }
        return (long) (Double.parseDouble(d.substring(0, d.length() - 1)) * 1000);
    }

    private static void fail(Throwable e) {
        failed.incrementAndGet();
        first.compareAndSet(null, e);
    }

    private static void loop(DefaultMQProducer p, String topic, byte[] body, boolean oneway) {
        long n = 0;
        List<Long> mine = new ArrayList<>();
        for (int i = 0; phase != 2; i++) {
            int was = phase;
            long began = i % 16 == 0 ? System.nanoTime() : 0;
            try {
                if (oneway) {
                    p.sendOneway(new Message(topic, body));
                } else {
                    p.send(new Message(topic, body));
                }
            } catch (Exception e) {
                fail(e);
                continue;
            }
            if (was == 1 && phase == 1) {
                n++;
                if (began != 0) {
                    mine.add(System.nanoTime() - began);
                }
            }
        }
        messages.addAndGet(n);
        synchronized (samples) {
            samples.addAll(mine);
        }
    }

    private static void async(DefaultMQProducer p, String topic, byte[] body, int inFlight) {
        Semaphore permits = new Semaphore(inFlight);
        for (int i = 0; phase != 2; i++) {
            permits.acquireUninterruptibly();
            final long began = i % 64 == 0 ? System.nanoTime() : 0;
            SendCallback done = new SendCallback() {
                @Override
                public void onSuccess(SendResult r) {
                    if (phase == 1) {
                        messages.incrementAndGet();
                        if (began != 0) {
                            long took = System.nanoTime() - began;
                            synchronized (samples) {
                                samples.add(took);
                            }
                        }
                    }
                    permits.release();
                }

                @Override
                public void onException(Throwable e) {
                    fail(e);
                    permits.release();
                }
            };
            try {
                p.send(new Message(topic, body), done);
            } catch (Exception e) {
                fail(e);
                permits.release();
            }
        }
        permits.acquireUninterruptibly(inFlight);
    }
}
