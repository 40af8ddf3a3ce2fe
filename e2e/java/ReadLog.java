import java.io.File;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;

/** Reads a log by HdrHistogram's own reader and prints, a line an interval: tag, count, value at 50 % and at 99 %. */
public class ReadLog {
    public static void main(String[] args) throws Exception {
        HistogramLogReader reader = new HistogramLogReader(new File(args[0]));
        for (EncodableHistogram next; (next = reader.nextIntervalHistogram()) != null;) {
            Histogram h = (Histogram) next;
            System.out.println("interval " + h.getTag() + " " + h.getTotalCount() + " " + h.getValueAtPercentile(50) + " " + h.getValueAtPercentile(99));
        }
    }
}
