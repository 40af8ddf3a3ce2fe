import java.io.File;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.Schema;
import javax.xml.validation.SchemaFactory;
import org.xml.sax.SAXException;

/** Holds XML files to a schema and prints, a line each, whether they are what it says. */
public class Validate {
    public static void main(String[] args) throws Exception {
        Schema schema = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(args[0]));
        int refused = 0;
        for (int i = 1; i < args.length; i++) {
            try {
                schema.newValidator().validate(new StreamSource(new File(args[i])));
                System.out.println("valid " + args[i]);
            } catch (SAXException e) {
                refused++;
                System.out.println("refused " + args[i] + ": " + e.getMessage());
            }
        }
        System.exit(refused == 0 ? 0 : 1);
    }
}
