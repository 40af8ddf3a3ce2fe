import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.QueryResult;
import org.apache.rocketmq.client.consumer.DefaultMQPullConsumer;
import org.apache.rocketmq.client.consumer.PullResult;
import org.apache.rocketmq.client.consumer.PullStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.producer.RequestCallback;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.TransactionListener;
import org.apache.rocketmq.client.producer.TransactionMQProducer;
import org.apache.rocketmq.client.utils.MessageUtil;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * What RocketMQ's own producer (5.4.0) does beyond sending: transactions that the broker asks about, requests and their replies, delayed
 * and timer messages and their recall, messages found by key and by id. Prints a line for each part that is as it should be, and which
 * properties messages have at last; an exception says what isn't. Arguments: name server, topic.
 */
@SuppressWarnings("deprecation")
public class Dialogue {
    private static String nameServer;
    private static String topic;

    public static void main(String[] args) throws Exception {
        nameServer = args[0];
        topic = args[1];
        DefaultMQPullConsumer consumer = new DefaultMQPullConsumer("RMQBENCH_DIALOGUE_READER");
        consumer.setNamesrvAddr(nameServer);
        DefaultMQProducer producer = new DefaultMQProducer("RMQBENCH_DIALOGUE");
        producer.setNamesrvAddr(nameServer);
        consumer.start();
        producer.start();
        try {
            find(producer);
            request(producer, consumer);
            transactions(consumer);
            delays(producer, consumer);
            Map<String, List<MessageExt>> all = read(consumer);
            for (String body : List.of("found", "question", "tx yes", "tx asked yes", "level", "timer")) {
                System.out.println(body + " " + new TreeSet<>(all.get(body).get(0).getProperties().keySet()));
            }
        } finally {
            producer.shutdown();
            consumer.shutdown();
        }
        System.exit(0); // its timers would keep the JVM a while
    }

    private static Message message(String body) {
        return new Message(topic, "tag", "key-" + body, body.getBytes(StandardCharsets.UTF_8));
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new IllegalStateException(what);
        }
    }

    private static void find(DefaultMQProducer producer) throws Exception {
        SendResult sent = producer.send(message("found"));
        long from = System.currentTimeMillis() - 60_000;
        QueryResult byKey = null;
        for (int i = 0; byKey == null; i++) { // a real broker writes its index a little later
            try {
                byKey = producer.queryMessage(topic, "key-found", 8, from, System.currentTimeMillis() + 60_000);
            } catch (Exception e) {
                check(i < 50, "not found by key: " + e);
                Thread.sleep(100);
            }
        }
        check(byKey.getMessageList().size() == 1 && byKey.getMessageList().get(0).getMsgId().equals(sent.getMsgId()), "by key: " + byKey);
        for (String id : List.of(sent.getMsgId(), sent.getOffsetMsgId())) {
            MessageExt m = producer.viewMessage(topic, id);
            check(m != null && new String(m.getBody(), StandardCharsets.UTF_8).equals("found") && "tag".equals(m.getTags()), "by id " + id + ": " + m);
        }
        System.out.println("query OK");
    }

    private static void request(DefaultMQProducer producer, DefaultMQPullConsumer consumer) throws Exception {
        Thread replier = new Thread(() -> {
            try {
                for (String body : List.of("question", "question 2")) {
                    MessageExt asked = await(consumer, body).get(0);
                    Message reply = MessageUtil.createReplyMessage(asked, ("answer to " + body).getBytes(StandardCharsets.UTF_8));
                    producer.send(reply);
                }
            } catch (Exception e) {
                e.printStackTrace();
            }
        });
        replier.start();
        Message answer = producer.request(message("question"), 20_000);
        check(new String(answer.getBody(), StandardCharsets.UTF_8).equals("answer to question"), "request answered " + answer);
        CountDownLatch called = new CountDownLatch(1);
        String[] got = new String[1];
        producer.request(message("question 2"), new RequestCallback() {
            @Override
            public void onSuccess(Message m) {
                got[0] = new String(m.getBody(), StandardCharsets.UTF_8);
                called.countDown();
            }

            @Override
            public void onException(Throwable e) {
                got[0] = e.toString();
                called.countDown();
            }
        }, 20_000);
        check(called.await(25, TimeUnit.SECONDS) && got[0].equals("answer to question 2"), "request with a callback answered " + got[0]);
        replier.join();
        System.out.println("request OK");
    }

    private static void transactions(DefaultMQPullConsumer consumer) throws Exception {
        Map<String, Integer> asked = new HashMap<>();
        CountDownLatch both = new CountDownLatch(2);
        TransactionMQProducer producer = new TransactionMQProducer("RMQBENCH_DIALOGUE_TX");
        producer.setNamesrvAddr(nameServer);
        producer.setTransactionListener(new TransactionListener() {
            @Override
            public LocalTransactionState executeLocalTransaction(Message m, Object arg) {
                return (LocalTransactionState) arg;
            }

            @Override
            public synchronized LocalTransactionState checkLocalTransaction(MessageExt m) {
                String body = new String(m.getBody(), StandardCharsets.UTF_8);
                int times = asked.merge(body, 1, Integer::sum);
                if (times == 2 && body.startsWith("tx asked")) { // 5.x may ask about those that have ended, too
                    both.countDown();
                }
                if (times < 2) {
                    return LocalTransactionState.UNKNOW;
                }
                return body.equals("tx asked yes") ? LocalTransactionState.COMMIT_MESSAGE : LocalTransactionState.ROLLBACK_MESSAGE;
            }
        });
        producer.start();
        try {
            producer.sendMessageInTransaction(message("tx yes"), LocalTransactionState.COMMIT_MESSAGE);
            producer.sendMessageInTransaction(message("tx no"), LocalTransactionState.ROLLBACK_MESSAGE);
            producer.sendMessageInTransaction(message("tx asked yes"), LocalTransactionState.UNKNOW);
            producer.sendMessageInTransaction(message("tx asked no"), LocalTransactionState.UNKNOW);
            check(both.await(40, TimeUnit.SECONDS), "asked only " + asked);
            MessageExt m = await(consumer, "tx yes").get(0);
            check(m.getTransactionId() != null && "RMQBENCH_DIALOGUE_TX".equals(m.getProperty("PGROUP")) && m.getPreparedTransactionOffset() > 0, "committed " + m);
            await(consumer, "tx asked yes");
            Map<String, List<MessageExt>> all = read(consumer);
            check(!all.containsKey("tx no") && !all.containsKey("tx asked no"), "rolled back, and there: " + all.keySet());
        } finally {
            producer.shutdown();
        }
        System.out.println("transactions OK");
    }

    private static void delays(DefaultMQProducer producer, DefaultMQPullConsumer consumer) throws Exception {
        long began = System.currentTimeMillis();
        Message level = message("level");
        level.setDelayTimeLevel(1);
        producer.send(level);
        Message timer = message("timer");
        timer.setDelayTimeMs(2_000);
        SendResult timed = producer.send(timer);
        check(timed.getRecallHandle() != null, "no recall handle: " + timed);
        Message recalled = message("recalled");
        recalled.setDelayTimeMs(3_000);
        SendResult wrong = producer.send(recalled);
        check(wrong.getMsgId().equals(producer.recallMessage(topic, wrong.getRecallHandle())), "recalled another one than " + wrong);
        Message later = message("later");
        later.setDelayTimeMs(4_000);
        producer.send(later);

        check(await(consumer, "level").get(0).getStoreTimestamp() - began >= 1_000, "level came early");
        check(await(consumer, "timer").get(0).getStoreTimestamp() - began >= 2_000, "timer came early");
        await(consumer, "later");
        check(!read(consumer).containsKey("recalled"), "a recalled message came");
        System.out.println("delays OK");
    }

    /** Waits until a message of that body is there. */
    private static List<MessageExt> await(DefaultMQPullConsumer consumer, String body) throws Exception {
        for (long end = System.currentTimeMillis() + 20_000; System.currentTimeMillis() < end; Thread.sleep(50)) {
            List<MessageExt> found = read(consumer).get(body);
            if (found != null) {
                return found;
            }
        }
        throw new IllegalStateException("never came: " + body);
    }

    /** All that lies in the topic, by body. */
    private static synchronized Map<String, List<MessageExt>> read(DefaultMQPullConsumer consumer) throws Exception {
        Map<String, List<MessageExt>> all = new TreeMap<>(Comparator.naturalOrder());
        for (MessageQueue q : consumer.fetchSubscribeMessageQueues(topic)) {
            for (long at = 0; ; ) {
                PullResult r = consumer.pull(q, "*", at, 32);
                if (r.getPullStatus() != PullStatus.FOUND) {
                    break;
                }
                for (MessageExt m : r.getMsgFoundList()) {
                    all.computeIfAbsent(new String(m.getBody(), StandardCharsets.UTF_8), k -> new ArrayList<>()).add(m);
                }
                at = r.getNextBeginOffset();
            }
        }
        return all;
    }
}
