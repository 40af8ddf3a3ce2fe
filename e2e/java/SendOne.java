import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;

/**
 * Sends one message of each kind through RocketMQ's own producer: sync, async, oneway, and a batch of three, to a topic that may not
 * exist yet. Prints one line a kind and exits with 1 at the first that is not SEND_OK. Arguments: name server, topic.
 */
public class SendOne {
    public static void main(String[] args) throws Exception {
        String nameServer = args[0];
        String topic = args[1];
        DefaultMQProducer producer = new DefaultMQProducer("RMQBENCH_SENDONE");
        producer.setNamesrvAddr(nameServer);
        producer.start();
        try {
            report("sync", producer.send(message(topic, "sync")));
            report("async", sendAsync(producer, message(topic, "async")));
            producer.sendOneway(message(topic, "oneway"));
            System.out.println("oneway WRITTEN");
            report("batch", producer.send(List.of(message(topic, "one"), message(topic, "two"), message(topic, "three"))));
        } finally {
            producer.shutdown();
        }
    }

    private static Message message(String topic, String body) {
        return new Message(topic, "tag", "key-" + body, body.getBytes(StandardCharsets.UTF_8));
    }

    private static SendResult sendAsync(DefaultMQProducer producer, Message message) throws Exception {
        CountDownLatch called = new CountDownLatch(1);
        AtomicReference<SendResult> result = new AtomicReference<>();
        AtomicReference<Throwable> failure = new AtomicReference<>();
        producer.send(message, new SendCallback() {
            @Override
            public void onSuccess(SendResult sendResult) {
                result.set(sendResult);
                called.countDown();
            }

            @Override
            public void onException(Throwable e) {
                failure.set(e);
                called.countDown();
            }
        });
        if (!called.await(10, TimeUnit.SECONDS)) {
            throw new IllegalStateException("no callback within 10 s");
        }
        if (failure.get() != null) {
            throw new IllegalStateException("async send failed", failure.get());
        }
        return result.get();
    }

    private static void report(String kind, SendResult r) {
        System.out.printf("%s %s %s %s %d%n", kind, r.getSendStatus(), r.getMsgId(), r.getMessageQueue(), r.getQueueOffset());
        if (r.getSendStatus() != SendStatus.SEND_OK) {
            System.exit(1);
        }
    }
}
